import { execFile } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { promisify } from "node:util";

import { listenEcho, listenTcp, type LoopbackServer } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialAddress, type Resolver } from "../../src/index.ts";
import { type DeafListener, startDeafListener } from "../support/deaf-listener.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";

const open: (LoopbackServer | DeafListener)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function echo(host?: string): Promise<LoopbackServer> {
  const server = await listenEcho(host === undefined ? {} : { host });
  open.push(server);
  return server;
}

async function deaf(host: string, port?: number): Promise<DeafListener> {
  const listener = await startDeafListener(host, port);
  open.push(listener);
  return listener;
}

/** A loopback port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = await listenTcp(() => undefined);
  await server.close();
  return server.port;
}

describe("a literal address", () => {
  test("gives a connected socket that is untouched", async () => {
    const { host, port } = await echo();
    const { socket, address } = await dialAddress({ destination: parseAddress(host, port) });
    expect(address).toMatchObject({ type: "ipv4", host, port });
    expect(socket.remoteAddress).toBe(host);
    expect(socket.connecting).toBe(false);
    expect(socket.allowHalfOpen).toBe(true);
    expect(socket.readableFlowing).toBeNull();
    for (const event of ["connect", "error", "readable", "data", "close"]) expect(socket.listenerCount(event)).toBe(0);
    socket.end("hello");
    expect(String(await once(socket, "data"))).toBe("hello");
    socket.destroy();
  });

  test("IPv6 too", async () => {
    const { port } = await echo("::1");
    const { socket, address } = await dialAddress({ destination: parseAddress("[::1]", port) });
    expect(address).toMatchObject({ type: "ipv6", host: "::1" });
    socket.destroy();
  });

  test("nothing listens there", async () => {
    const port = await closedPort();
    const error = await failureOf(dialAddress({ destination: parseAddress("127.0.0.1", port) }));
    expect(error).toMatchObject({
      code: "ERR_SOCKS_TARGET_UNREACHABLE",
      side: "remote",
      stage: "request",
      hop: undefined,
      cause: { code: "ECONNREFUSED", syscall: "connect" },
    });
    expect(error.message).toBe(
      `cannot reach 127.0.0.1:${port}: 127.0.0.1:${port}: connection refused, nothing listens there (ECONNREFUSED)`,
    );
  });

  test("an interface that does not exist is not replaced by another", async () => {
    const error = await failureOf(dialAddress({ destination: parseAddress("fe80::1%nosuch0", 80) }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TARGET_UNREACHABLE", cause: { code: "ENODEV" } });
    expect(error.message).toContain("no interface nosuch0");
  });

  test("port 0 and bad options are refused before anything happens", async () => {
    const destination = parseAddress("127.0.0.1", 80);
    const before = heldResources();
    expect(await failureOf(dialAddress({ destination: parseAddress("127.0.0.1", 0) }))).toMatchObject({
      code: "ERR_SOCKS_BAD_PORT",
      side: "local",
      stage: undefined,
    });
    for (const bad of [
      { connectTimeoutMs: 0 },
      { connectTimeoutMs: Number.NaN },
      { connectTimeoutMs: 2 ** 31 },
      { attemptDelayMs: 9 },
      { family: 5 as 4 },
      { localAddress: "localhost" },
      { localAddress: "127.0.0.1", family: 6 as const },
    ]) {
      const error = await failureOf(dialAddress({ destination, ...bad }));
      expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local", stage: undefined });
      expect(error.message).toContain(Object.keys(bad)[0]);
    }
    await expectReleased(before);
  });
});

describe("family and local address", () => {
  test("a literal of the other version is not dialled", async () => {
    const error = await failureOf(dialAddress({ destination: parseAddress("::1", 80), family: 4 }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TARGET_UNREACHABLE", cause: { code: "EAFNOSUPPORT" } });
    expect(error.message).toContain("only IPv4 is allowed");
  });

  test("connects from the local address, which decides the version", async () => {
    const { port } = await echo();
    const resolver = fixedResolver({ "a.example": ["::1", "127.0.0.1"] });
    const { socket } = await dialAddress({
      destination: parseAddress("a.example", port),
      resolver,
      localAddress: "127.0.0.2",
    });
    expect(socket.localAddress).toBe("127.0.0.2");
    expect(resolver.questions).toEqual(["a.example 4"]);
    socket.destroy();
  });

  test("a local address that this host does not have", async () => {
    const { host, port } = await echo();
    const destination = parseAddress(host, port);
    const error = await failureOf(dialAddress({ destination, localAddress: "192.0.2.1" }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TARGET_UNREACHABLE", cause: { code: "EADDRNOTAVAIL" } });
  });
});

describe("a name", () => {
  test("that nobody knows", async () => {
    const destination = parseAddress("nosuch.example", 80);
    const error = await failureOf(dialAddress({ destination, resolver: fixedResolver({}) }));
    expect(error).toMatchObject({
      code: "ERR_SOCKS_RESOLVE_FAILED",
      stage: "resolve",
      cause: { code: "ERR_SOCKS_RESOLVE_FAILED", cause: { code: "ENOTFOUND" } },
    });
    expect(error.message).toMatch(/^nosuch\.example:80 cannot be found: /);
  });

  test("goes to the next address when one refuses", async () => {
    const { port } = await echo();
    const resolver = fixedResolver({ "a.example": ["127.0.0.9", "127.0.0.1"] });
    const { socket, address } = await dialAddress({ destination: parseAddress("a.example", port), resolver });
    expect(address).toMatchObject({ host: "127.0.0.1", port });
    socket.destroy();
  });

  test("does not wait for an address that is silent", async () => {
    const { port } = await echo();
    await deaf("127.0.0.3", port);
    const resolver = fixedResolver({ "a.example": ["127.0.0.3", "127.0.0.1"] });
    const before = heldResources();
    const start = performance.now();
    const { socket, address } = await dialAddress({
      destination: parseAddress("a.example", port),
      resolver,
      attemptDelayMs: 50,
    });
    expect(address.host).toBe("127.0.0.1");
    expect(performance.now() - start).toBeLessThan(5000);
    socket.destroy();
    await expectReleased(before);
  });

  test("all addresses fail: every reason is told", async () => {
    const port = await closedPort();
    const resolver = fixedResolver({ "a.example": ["127.0.0.1", "127.0.0.2"] });
    const error = await failureOf(dialAddress({ destination: parseAddress("a.example", port), resolver }));
    expect(error).toMatchObject({
      code: "ERR_SOCKS_TARGET_UNREACHABLE",
      cause: { code: "ECONNREFUSED", errors: [{ address: "127.0.0.1" }, { address: "127.0.0.2" }] },
    });
    expect(error.message).toContain("127.0.0.1");
    expect(error.message).toContain("127.0.0.2");
  });

  test.each([
    undefined,
    null,
    "127.0.0.1",
    [undefined],
    ["127.0.0.1"],
    [{ type: "ipv4", host: "127.0.0.1", port: 0 }],
    [{ type: "ipv4", host: "b.example", port: 0, octets: Uint8Array.of(127, 0, 0, 1) }],
    [{ type: "ipv6", host: "::1", port: 0, octets: Uint8Array.of(127, 0, 0, 1) }],
  ])("a resolver that gives %j", async (given) => {
    const before = heldResources();
    const resolver = { resolve: () => Promise.resolve(given) } as unknown as Resolver;
    const error = await failureOf(dialAddress({ destination: parseAddress("a.example", 80), resolver }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve" });
    expect(error.message).toContain("the resolver gave something else than an array of IP addresses");
    await expectReleased(before);
  });

  test("a resolver that throws, breaks its promise, or finds nothing", async () => {
    const destination = parseAddress("a.example", 80);
    const broken = new TypeError("broken");
    const resolvers: Resolver[] = [
      {
        resolve: () => {
          throw broken;
        },
      },
      { resolve: () => Promise.reject(broken) },
      { resolve: () => Promise.resolve([]) },
    ];
    for (const resolver of resolvers) {
      const before = heldResources();
      const error = await failureOf(dialAddress({ destination, resolver }));
      expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve" });
      await expectReleased(before);
    }
  });
});

describe("check", () => {
  test("each address is checked right before it is dialled, and no other is dialled", async () => {
    const dialled: string[] = [];
    const server = await listenTcp((socket) => dialled.push(socket.localAddress ?? ""), { host: "0.0.0.0" });
    open.push(server);
    const checked: string[] = [];
    const { socket, address } = await dialAddress({
      destination: parseAddress("a.example", server.port),
      resolver: fixedResolver({ "a.example": ["127.0.0.5", "127.0.0.6", "127.0.0.7"] }),
      check: ({ host, port }) => {
        checked.push(`${host}:${port}`);
        return host === "127.0.0.5" ? new Error("denied by rule 1") : undefined;
      },
    });
    expect(address.host).toBe("127.0.0.6");
    expect(checked).toEqual([`127.0.0.5:${server.port}`, `127.0.0.6:${server.port}`]);
    await expect.poll(() => dialled).toEqual(["127.0.0.6"]);
    socket.destroy();
  });

  test("a name is looked up once: a second answer finds no gap", async () => {
    const { port } = await echo();
    const answers = [["127.0.0.1"], ["127.0.0.66"]];
    let questionCount = 0;
    const resolver: Resolver = {
      resolve: (_name, options) =>
        fixedResolver({ "a.example": answers[questionCount++] ?? [] }).resolve("a.example", options),
    };
    const checked: string[] = [];
    const { socket } = await dialAddress({
      destination: parseAddress("a.example", port),
      resolver,
      check: ({ host }) => void checked.push(host),
    });
    expect(questionCount).toBe(1);
    expect(checked).toEqual([socket.remoteAddress]);
    socket.destroy();
  });

  test.each([["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])("nothing is dialled when %s are refused", async (...found) => {
    const server = await listenTcp(() => undefined, { host: "0.0.0.0" });
    open.push(server);
    const denial = new Error("denied by rule 1");
    const error = await failureOf(
      dialAddress({
        destination: parseAddress("a.example", server.port),
        resolver: fixedResolver({ "a.example": found }),
        check: () => denial,
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_ADDRESS_DENIED", side: "local", cause: denial });
    expect(error.message).toContain("denied by rule 1");
    expect(server.sockets.size).toBe(0);
  });

  test("a literal is checked as well, and an exception is a refusal", async () => {
    const thrown = new TypeError("bug in the rules");
    const error = await failureOf(
      dialAddress({
        destination: parseAddress("127.0.0.1", 80),
        check: () => {
          throw thrown;
        },
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_ADDRESS_DENIED", cause: thrown });
  });

  test("some refused, the others unreachable: it was tried", async () => {
    const port = await closedPort();
    const error = await failureOf(
      dialAddress({
        destination: parseAddress("a.example", port),
        resolver: fixedResolver({ "a.example": ["127.0.0.1", "127.0.0.2"] }),
        check: ({ host }) => (host === "127.0.0.1" ? new Error("denied") : undefined),
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_TARGET_UNREACHABLE", cause: { code: "ECONNREFUSED" } });
    expect(error.message).toContain("denied");
  });
});

describe("giving up", () => {
  test.each([
    ["one silent address", ["127.0.0.3"]],
    ["two", ["127.0.0.3", "127.0.0.4"]],
  ])("the deadline frees every attempt: %s", async (_title, found) => {
    const { port } = await deaf("127.0.0.3");
    await deaf("127.0.0.4", port);
    const before = heldResources();
    const error = await failureOf(
      dialAddress({
        destination: parseAddress("a.example", port),
        resolver: fixedResolver({ "a.example": found }),
        attemptDelayMs: 20,
        connectTimeoutMs: 150,
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
    expect(error.message).toBe(
      `timed out after 150 ms (connectTimeoutMs, for the whole way) waiting for a.example:${port} to accept the connection`,
    );
    await expectReleased(before);
  });

  test("before it began", async () => {
    const before = heldResources();
    const reason = new Error("changed my mind");
    const destination = parseAddress("127.0.0.1", 80);
    const error = await failureOf(dialAddress({ destination, signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_ABORTED", side: "local", cause: reason });
    await expectReleased(before);
  });

  test.each([{}, null, 5])("a signal that is none is refused before a timer runs: %j", async (given) => {
    const before = heldResources();
    const signal = given as unknown as AbortSignal;
    const error = await failureOf(dialAddress({ destination: parseAddress("127.0.0.1", 80), signal }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
    expect(error.message).toMatch(/^signal is .*; expected an AbortSignal$/);
    expect(heldResources()["Timeout"] ?? 0).toBeLessThanOrEqual(before["Timeout"] ?? 0);
  });

  test("during the look-up: the resolver is told", async () => {
    let told: AbortSignal | undefined;
    const resolver: Resolver = {
      resolve: (_name, { signal }) => {
        told = signal;
        return new Promise(() => undefined);
      },
    };
    const controller = new AbortController();
    const before = heldResources();
    const pending = failureOf(
      dialAddress({ destination: parseAddress("a.example", 80), resolver, signal: controller.signal }),
    );
    controller.abort();
    expect(await pending).toMatchObject({ code: "ERR_SOCKS_ABORTED", stage: "resolve" });
    expect(told?.aborted).toBe(true);
    await expectReleased(before);
  });

  test("while dialling", async () => {
    const { host, port } = await deaf("127.0.0.3");
    const before = heldResources();
    const controller = new AbortController();
    const pending = failureOf(dialAddress({ destination: parseAddress(host, port), signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect(await pending).toMatchObject({ code: "ERR_SOCKS_ABORTED", stage: "request" });
    await expectReleased(before);
  });

  test("afterwards the signal has no power over the socket", async () => {
    const { host, port } = await echo();
    const controller = new AbortController();
    const { socket } = await dialAddress({ destination: parseAddress(host, port), signal: controller.signal });
    controller.abort();
    socket.write("still here");
    expect(String(await once(socket, "data"))).toBe("still here");
    socket.destroy();
  });
});

test("running out of descriptors is an error with its code, and those it took come back", async () => {
  const script = resolve(import.meta.dirname, "../support/exhaust-descriptors.ts");
  const limited = `ulimit -n 64 && exec "$0" "$1"`;
  const { stdout } = await promisify(execFile)("sh", ["-c", limited, process.execPath, script]);
  expect(JSON.parse(stdout)).toEqual({
    code: "ERR_SOCKS_TARGET_UNREACHABLE",
    cause: "EMFILE",
    explained: true,
    released: true,
    works: true,
  });
});

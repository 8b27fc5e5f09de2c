import { readFileSync } from "node:fs";
import type net from "node:net";
import { describe, expect, test } from "vitest";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  ENGINE,
  connectName,
  connectRequest,
  connectRequest4,
  connectTo,
  converse,
  GREETING,
  openTunnel,
  pause,
  portHex,
  SELECT_NONE,
  startEcho,
  startServer,
  startTarget,
  until,
  refused,
} from "./server-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("a tunnel, by every version", () => {
  test("SOCKS 5: the reply names our end of the outgoing connection", async () => {
    const { port, log, server } = await startServer();
    let seen: number | undefined;
    const target = await startTarget((socket) => {
      seen = socket.remotePort;
      socket.pipe(socket);
    });
    const client = await connectTo(port);
    client.write(GREETING);
    expect(await readOctets(client, 2)).toEqual(SELECT_NONE);
    client.write(connectRequest(target.port));
    const reply = await readOctets(client, 10);
    expect(hex(reply)).toBe(`050000017f000001${portHex(seen ?? 0)}`);
    client.write("ping");
    expect(text(await readOctets(client, 4))).toBe("ping");
    client.end();
    await readToEnd(client);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ bytesIn: 4, bytesOut: 4, reason: "finished" });
    expect(server.stats).toMatchObject({
      sessions: 0,
      handshakes: 0,
      tunnels: 0,
      accepted: 1,
      connected: 1,
      bytesIn: 4,
      bytesOut: 4,
    });
  });

  test("SOCKS 4", async () => {
    const { port } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(connectRequest4(echo.port));
    const reply = await readOctets(client, 8);
    expect(hex(reply.subarray(0, 2))).toBe("005a");
    client.write("ping");
    expect(text(await readOctets(client, 4))).toBe("ping");
  });

  test("SOCKS 4A, with a user id that tells nothing but is reported", async () => {
    const { port, log } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(octets(`04 01 ${portHex(echo.port)} 00 00 00 01 66 72 0a 65 64 00 6c 6f 63 61 6c 68 6f 73 74 00`));
    expect(hex((await readOctets(client, 8)).subarray(0, 2))).toBe("005a");
    expect(log.connected[0]).toMatchObject({
      version: 4,
      userId: "fr\\u{000A}ed",
      destination: { type: "domain", host: "localhost" },
    });
    expect(log.connected[0]).not.toHaveProperty("user");
  });

  test("SOCKS 4 has no room for an IPv6 address in its reply", async () => {
    const resolver = { resolve: () => Promise.resolve([parseIpAddress("::1") as IpAddress]) };
    const { port, log } = await startServer({ outbound: { resolver } });
    const echo = await startEcho("::1");
    const client = await connectTo(port);
    client.write(octets(`04 01 ${portHex(echo.port)} 00 00 00 01 00 73 69 78 00`));
    expect(hex(await readOctets(client, 8))).toBe("005a000000000000");
    expect(log.connected[0]?.address).toMatchObject({ type: "ipv6", host: "::1" });
  });

  test("an address as text in the field for names is that address", async () => {
    const { port, log } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("127.0.0.1", echo.port)));
    expect(hex((await readOctets(client, 12)).subarray(0, 4))).toBe("05000500");
    expect(log.connected[0]?.destination).toMatchObject({ type: "ipv4", host: "127.0.0.1" });
  });
});

describe("octets come as they like", () => {
  test("everything in one segment, data included", async () => {
    const { port } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(GREETING, connectRequest(echo.port), Buffer.from("early")));
    const all = await readOctets(client, 12 + 5);
    expect(hex(all.subarray(0, 4))).toBe("05000500");
    expect(text(all.subarray(12))).toBe("early");
  });

  test("one at a time", async () => {
    const { port } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    for (const octet of concat(GREETING, connectRequest(echo.port), Buffer.from("x"))) {
      client.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(text((await readOctets(client, 13)).subarray(12))).toBe("x");
  });

  test("a megabyte behind the request waits its turn and arrives whole", async () => {
    const { port } = await startServer();
    const echo = await startEcho();
    const client = await connectTo(port);
    const body = Buffer.alloc(1_000_000, "0123456789");
    client.end(concat(GREETING, connectRequest(echo.port), body));
    const all = await readToEnd(client, 10_000);
    expect(all.length).toBe(12 + body.length);
    expect(Buffer.compare(all.subarray(12), body)).toBe(0);
  });

  test("a client that ends right behind its request still gets the answer", async () => {
    const { port } = await startServer();
    const target = await startTarget((socket) => {
      socket.on("end", () => socket.end("the answer"));
      socket.resume();
    });
    const client = await connectTo(port);
    client.end(concat(GREETING, connectRequest(target.port), Buffer.from("question")));
    expect(text((await readToEnd(client)).subarray(12))).toBe("the answer");
  });
});

test("a target that speaks first is heard, behind the reply", async () => {
  const { port } = await startServer();
  const target = await startTarget((socket) => socket.write("220 ready\r\n"));
  const client = await connectTo(port);
  client.write(concat(GREETING, connectRequest(target.port)));
  const all = await readOctets(client, 12 + 11);
  expect(hex(all.subarray(0, 4))).toBe("05000500");
  expect(text(all.subarray(12))).toBe("220 ready\r\n");
});

describe("failures have their code", () => {
  test.each([
    ["refused", async () => connectRequest((await closedPort()).port), "05"],
    ["no such name", async () => connectName("no-such-host.invalid", 80), "04"],
    ["port 0", async () => connectRequest(0), "01"],
    ["an unassigned command", async () => octets("05 09 00 01 7f 00 00 01 00 50"), "07"],
    ["an unknown kind of address", async () => octets("05 01 00 02"), "08"],
    ["a name of length 0", async () => octets("05 01 00 03 00 00 50"), "01"],
    ["a name with an octet 00", async () => octets("05 01 00 03 04 61 2e 00 62 00 50"), "01"],
    ["a name that libraries read as an address", async () => connectName("0x7f.1", 80), "01"],
    ["version 4 in a SOCKS 5 request", async () => octets("04 01 00 01 7f 00 00 01 00 50"), "01"],
  ])("%s", async (_what, request, rep) => {
    const { port, log } = await startServer();
    const client = await connectTo(port);
    client.write(concat(GREETING, await request()));
    expect(hex(await readToEnd(client))).toBe(refused(rep));
    client.end();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]?.rep).toBe(Number.parseInt(rep, 16));
  });

  test("an IPv6 destination where only IPv4 goes out", async () => {
    const { port } = await startServer({ outbound: { family: 4 } });
    const request = octets("05 01 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 50");
    expect(await converse(port, GREETING, request)).toBe(refused("08"));
  });

  test.each([
    [
      "throws",
      () => {
        throw new RangeError("out of order");
      },
    ],
    ["rejects", () => Promise.reject(new RangeError("out of order"))],
    ["finds nothing", () => Promise.resolve([])],
    ["answers nonsense", () => Promise.resolve("nonsense" as never)],
  ])("a resolver that %s ends one session", async (_how, resolve) => {
    const { port, log } = await startServer({ outbound: { resolver: { resolve } } });
    expect(await converse(port, GREETING, connectName("a.example", 80))).toMatch(/^050005(04|01)/);
    const echo = await startEcho();
    await openTunnel(port, echo.port);
    expect(log.connected).toHaveLength(1);
  });

  test("SOCKS 4 has one code for all of them", async () => {
    const { port } = await startServer();
    const { port: closed } = await closedPort();
    expect(await converse(port, connectRequest4(closed))).toBe("005b000000000000");
    expect(await converse(port, octets("04 03 00 50 7f 00 00 01 00"))).toBe("005b000000000000");
  });

  test("no method in common", async () => {
    const { port, log } = await startServer();
    expect(await converse(port, octets("05 01 02"))).toBe("05ff");
    expect(await converse(port, octets("05 00"))).toBe("05ff");
    expect(log.denied.map(({ code }) => code)).toEqual([
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
    ]);
  });

  test("255 methods are read to the last", async () => {
    const { port } = await startServer();
    const echo = await startEcho();
    const methods = `${"80 ".repeat(254)}00`;
    const client = await connectTo(port);
    client.write(concat(octets(`05 ff ${methods}`), connectRequest(echo.port)));
    expect(hex((await readOctets(client, 12)).subarray(0, 4))).toBe("05000500");
  });

  test("a name of 255 octets is read to its end, and is no name", async () => {
    const { port } = await startServer();
    expect(await converse(port, GREETING, connectName("a".repeat(255), 80))).toBe(refused("01"));
  });

  test.each([
    ["HTTP", "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001"],
    ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ])("another protocol is not answered: %s", async (_name, first) => {
    const { port, log } = await startServer();
    expect(await converse(port, Buffer.from(first))).toBe("");
    expect(log.denied[0]).toMatchObject({ stage: "negotiate", code: "ERR_SOCKS_NOT_SOCKS" });
  });
});

describe("a refusal", () => {
  test("arrives although input is left that nobody reads", async () => {
    const { port, log } = await startServer();
    const client = await connectTo(port);
    const started = performance.now();
    client.write(concat(GREETING, octets("05 01 00 02"), Buffer.alloc(200_000, "x")));
    expect(hex(await readToEnd(client))).toBe(refused("08"));
    // And a client that leaves then is not kept for the whole time.
    client.end();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test("ends the connection after the time for it, whatever the client does", async () => {
    const { port, log } = await startServer({ timeouts: { lingerMs: 150 } });
    const client = await connectTo(port);
    const started = performance.now();
    client.write(concat(GREETING, octets("05 01 00 02")));
    expect(hex(await readToEnd(client))).toBe(refused("08"));
    expect(log.closed).toEqual([]);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(performance.now() - started).toBeGreaterThan(140);
    expect(log.closed[0]).toMatchObject({ reason: "refused", rep: 0x08 });
  });

  test("does not make the server read for ever", async () => {
    const { port, server } = await startServer({ timeouts: { lingerMs: 900 } });
    const client = await connectTo(port);
    client.write(concat(GREETING, octets("05 01 00 02")));
    const flood = Buffer.alloc(65_536);
    let taken = 0;
    const push = (): void => {
      while (!client.destroyed && client.write(flood, () => (taken += flood.length)));
    };
    client.on("drain", push);
    push();
    // Every buffer of the system is full by then, and the server reads no more.
    await pause(400);
    const before = taken;
    await pause(300);
    expect(taken).toBe(before);
    await until(() => server.stats.sessions === 0, "no session is left");
  });
});

describe("a client that leaves", () => {
  const stages: [string, (client: net.Socket, port: number) => void][] = [
    ["before its first octet", () => undefined],
    ["in its greeting", (client) => client.write(octets("05 02"))],
    ["before its request", (client) => client.write(GREETING)],
    ["in its request", (client) => client.write(concat(GREETING, octets("05 01 00")))],
    ["in a SOCKS 4 user id", (client) => client.write(octets("04 01 00 50 7f 00 00 01 66"))],
    ["while the name is looked up", (client) => client.write(concat(GREETING, connectName("slow.example", 80)))],
    ["with its tunnel open", (client, port) => client.write(concat(GREETING, connectRequest(port)))],
  ];
  test.each(stages.flatMap(([name, act]) => [["by FIN", name, act] as const, ["by RST", name, act] as const]))(
    "%s, %s, leaves nothing behind",
    async (how, _stage, act) => {
      let aborted = false;
      const resolver = {
        resolve: (_name: string, { signal }: { signal?: AbortSignal | undefined }) =>
          new Promise<never>((_resolve, reject) => {
            signal?.addEventListener("abort", () => {
              aborted = true;
              reject(new DOMException("aborted", "AbortError"));
            });
          }),
      };
      const { port, server, log } = await startServer({ outbound: { resolver }, timeouts: { connectMs: 500 } });
      const echo = await startEcho();
      const client = await connectTo(port);
      act(client, echo.port);
      await pause(50);
      if (how === "by RST") client.resetAndDestroy();
      else client.end();
      client.resume();
      await until(() => log.closed.length === 1, "the session is closed");
      expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0, tunnels: 0 });
      expect([...server.sessions()]).toEqual([]);
      expect(log.error).toEqual([]);
      if (_stage === "while the name is looked up") expect(aborted).toBe(true);
      await until(() => echo.sockets.size === 0, "the target is left too");
    },
  );
});

test.skipIf(process.platform !== "linux")("both legs of a tunnel have keep-alive on", async () => {
  const { port } = await startServer();
  let outgoing = 0;
  const target = await startTarget((socket) => {
    outgoing = socket.remotePort ?? 0;
    socket.pipe(socket);
  });
  const client = await openTunnel(port, target.port);
  client.write("ping");
  await readOctets(client, 4);
  // The kernel's own word: a connection that is silent has a timer (02) only when it is kept alive.
  await until(() => tcpTimer(port, client.localPort ?? 0) === "02", "the client's leg is kept alive");
  // The fast path spares short tunnels the calls for it: there the target's leg is kept alive from its first minute on.
  if (ENGINE === "fastpath") return;
  await until(() => tcpTimer(outgoing, target.port) === "02", "the target's leg is kept alive");
});

/** The kind of timer that the kernel has for a connection of this host, by its two ports. */
function tcpTimer(localPort: number, remotePort: number): string | undefined {
  const ends = (port: number): string => `0100007F:${portHex(port).toUpperCase()}`;
  const wanted = `${ends(localPort)} ${ends(remotePort)} `;
  const line = readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .find((text) => text.includes(wanted));
  return line?.trim().split(/\s+/u)[5]?.slice(0, 2);
}

test("resets pass through the whole server", async () => {
  const { port, log } = await startServer();
  const target = await startTarget((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const client = await openTunnel(port, target.port);
  const error = new Promise<NodeJS.ErrnoException>((resolve) => client.on("error", resolve));
  client.resume();
  client.write("x");
  expect((await error).code).toBe("ECONNRESET");
  await until(() => log.closed.length === 1, "the session is closed");
  expect(log.closed[0]).toMatchObject({ reason: "target-reset", code: "ECONNRESET" });
});

async function closedPort(): Promise<{ port: number }> {
  const target = await startTarget(() => undefined);
  await target.close();
  return { port: target.port };
}

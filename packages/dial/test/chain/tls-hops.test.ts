import { once } from "node:events";
import { TLSSocket } from "node:tls";

import {
  authorityCertificate,
  certificatePair,
  checkNoSecrets,
  listenEcho,
  listenScript,
  listenTcp,
  type LoopbackServer,
  octets,
  readToEnd,
} from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import {
  associateThrough,
  bindThrough,
  dialThrough,
  type ProgressEvent,
  type ProxyTlsOptions,
} from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyHttpProxy } from "../support/tiny-http-proxy.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";
import { startTlsFront, type TlsFront } from "../support/tls-front.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const ca = authorityCertificate();
const trusting: ProxyTlsOptions = { ca };
const destination = parseHostPort("example.com:80");

/** A proxy of the kind that the scheme names, with TLS where it says so. */
async function proxyFor(
  scheme: string,
  options?: Parameters<typeof startTlsFront>[1],
): Promise<LoopbackServer | TlsFront> {
  const plain = keep(await (scheme.startsWith("http") ? startTinyHttpProxy() : startTinyProxy()));
  return (scheme.endsWith("s") && scheme !== "socks") || scheme.endsWith("+tls")
    ? keep(await startTlsFront(plain, options))
    : plain;
}

async function chainOf(schemes: string): Promise<ReturnType<typeof parseProxyChain>> {
  const hops = schemes.split(" ").map(async (scheme) => `${scheme}://127.0.0.1:${(await proxyFor(scheme)).port}`);
  return parseProxyChain((await Promise.all(hops)).join(" "));
}

describe("a tunnel through TLS", () => {
  test.each([
    "socks+tls",
    "socks4+tls",
    "socks4a+tls",
    "socks5+tls",
    "socks5h+tls",
    "socks5s",
    "https",
    // At any place of a chain, over a tunnel, and over TLS.
    "socks5 socks5s",
    "socks4a https socks5",
    "https socks4+tls",
    "socks5s https socks5h+tls",
    "http https http",
  ])("%s", async (schemes) => {
    const greeter = keep(
      await listenTcp((socket) => {
        socket.write("220 ready\r\n");
        socket.on("end", () => socket.end("bye"));
        socket.resume();
      }),
    );
    const chain = await chainOf(schemes);
    const before = heldResources();
    const tunnel = await dialThrough({ chain, destination: parseHostPort(`127.0.0.1:${greeter.port}`), tls: trusting });
    const { socket, hops } = tunnel;
    expect(hops).toEqual(chain);
    expect(socket).toBeInstanceOf(TLSSocket);
    expect(socket.remotePort).toBe(chain[0]?.address.port);
    await new Promise(setImmediate);
    // Half-close: what this side ends is one direction.
    socket.end();
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("220 ready\r\nbye");
    socket.destroy();
    for (const server of open) for (const other of server.sockets) other.destroy();
    await expectReleased(before);
  });

  test("carries much data both ways", async () => {
    const echo = keep(await listenEcho());
    const { socket } = await dialThrough({
      chain: await chainOf("socks5s https"),
      destination: parseHostPort(`127.0.0.1:${echo.port}`),
      tls: trusting,
    });
    const data = Buffer.alloc(3_000_000, "0123456789");
    socket.end(data);
    expect(Buffer.from(await readToEnd(socket, 30_000)).equals(data)).toBe(true);
  });

  test("a destroyed socket frees all that is below it, and a reset is a reset", async () => {
    const echo = keep(await listenEcho());
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    const options = { destination: parseHostPort(`127.0.0.1:${echo.port}`), tls: trusting };
    const chain = [parseProxyUrl(`socks5h+tls://127.0.0.1:${front.port}`)];
    const before = heldResources();
    (await dialThrough({ ...options, chain })).socket.destroy();
    const { socket } = await dialThrough({ ...options, chain });
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
    await once(socket, "close");
    await expect.poll(() => front.errors).toContain("ECONNRESET");
    await expect.poll(() => front.sockets.size).toBe(0);
    await expect.poll(() => echo.sockets.size).toBe(0);
    await expectReleased(before);
  });

  test("a reset in the middle of an end frees everything too", async () => {
    const echo = keep(await listenEcho());
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    const chain = [parseProxyUrl(`socks5h+tls://127.0.0.1:${front.port}`)];
    const options = { chain, destination: parseHostPort(`127.0.0.1:${echo.port}`), tls: trusting };
    const before = heldResources();
    const moments: ((then: () => void) => unknown)[] = [
      (then) => then(),
      (then) => process.nextTick(then),
      (then) => queueMicrotask(then),
      (then) => setImmediate(then),
      (then) => setImmediate(setImmediate, then),
      (then) => setTimeout(then, 1),
    ];
    for (const data of ["", "x", "x".repeat(100_000)]) {
      for (const moment of moments) {
        const { socket } = await dialThrough(options);
        socket.on("error", () => undefined);
        const closed = new Promise((resolve) => socket.on("close", resolve));
        socket.end(data);
        await new Promise<void>((resolve) => moment(resolve));
        socket.resetAndDestroy();
        await closed;
      }
    }
    for (const server of open) for (const other of server.sockets) other.destroy();
    await expectReleased(before);
  });

  test("a connection that breaks below is an error of the socket, once", async () => {
    const echo = keep(await listenEcho());
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    const { socket } = await dialThrough({
      chain: [parseProxyUrl(`socks5h+tls://127.0.0.1:${front.port}`)],
      destination: parseHostPort(`127.0.0.1:${echo.port}`),
      tls: trusting,
    });
    const errors: unknown[] = [];
    socket.on("error", ({ code }: NodeJS.ErrnoException) => errors.push(code));
    socket.resume();
    for (const below of front.sockets) below.resetAndDestroy();
    await new Promise((resolve) => socket.on("close", resolve));
    expect(errors).toEqual(["ECONNRESET"]);
  });
});

describe("the name", () => {
  test("is asked for and checked, unless it is an address, which is only checked", async () => {
    const echo = keep(await listenEcho());
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    const target = parseHostPort(`127.0.0.1:${echo.port}`);
    for (const [host, tls] of [
      ["localhost", trusting],
      ["localhost.", trusting],
      ["127.0.0.1", trusting],
      ["127.0.0.1", { ca, servername: "localhost" }],
      ["localhost", { ca, servername: "127.0.0.1" }],
    ] as const) {
      const chain = [parseProxyUrl(`socks5h+tls://${host}:${front.port}`)];
      (await dialThrough({ chain, destination: target, tls })).socket.destroy();
    }
    expect(front.serverNames).toEqual(["localhost", "localhost", false, "localhost", false]);
  });

  test("of each hop is its own, and so are its options", async () => {
    const echo = keep(await listenEcho());
    const [first, second] = [await proxyFor("socks5s"), await proxyFor("socks5s", { certificate: "other-server" })];
    const chain = [
      { proxy: parseProxyUrl(`socks5s://127.0.0.1:${first.port}`), tls: { ca } },
      { proxy: parseProxyUrl(`socks5s://127.0.0.1:${second.port}`), tls: { ca, servername: "a.wild.example" } },
    ];
    const { socket, hops } = await dialThrough({ chain, destination: parseHostPort(`127.0.0.1:${echo.port}`) });
    expect(hops).toEqual(chain.map(({ proxy }) => proxy));
    socket.destroy();
  });
});

describe("options", () => {
  test("that cannot be used are refused before anything is dialled", async () => {
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    const proxy = parseProxyUrl(`socks5s://127.0.0.1:${front.port}`);
    const plain = parseProxyUrl(`socks5://127.0.0.1:${front.port}`);
    const { cert, key } = certificatePair("alice");
    const other = certificatePair("server").key;
    for (const options of [
      { chain: [proxy], tls: { key } },
      { chain: [proxy], tls: { cert } },
      { chain: [proxy], tls: { cert, key: other } },
      { chain: [proxy], tls: { cert: "canary-no-pem", key: "canary-no-pem" } },
      { chain: [proxy], tls: { servername: "" } },
      { chain: [proxy], tls: { rejectUnauthorized: 0 as unknown as boolean } },
      { chain: [proxy], tls: "ca" as unknown as ProxyTlsOptions },
      { chain: [{ proxy: plain, tls: { ca } }] },
      { chain: [{ proxy, proxyProtocol: { version: 3 as 2 } }] },
      { chain: [{ proxy, proxyProtocol: { version: 1 as const, source: destination as never } }] },
    ]) {
      const error = await failureOf(dialThrough({ ...options, destination }));
      expect(error, error.message).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
      checkNoSecrets(error, ["canary-no-pem", key.slice(40, 80)]);
    }
    expect(front.serverNames).toEqual([]);
  });

  test("TLS without checks says what it did not mind", async () => {
    const echo = keep(await listenEcho());
    const front = keep(await startTlsFront(keep(await startTinyProxy()), { certificate: "late-server" }));
    const steps: ProgressEvent[] = [];
    const { socket } = await dialThrough({
      chain: [parseProxyUrl(`socks5s://127.0.0.1:${front.port}`)],
      destination: parseHostPort(`127.0.0.1:${echo.port}`),
      tls: { rejectUnauthorized: false },
      onProgress: (event) => steps.push(event),
    });
    socket.destroy();
    const secured = steps.find(({ step }) => step === "secured");
    expect(secured).toMatchObject({
      protocol: "TLSv1.3",
      cipher: expect.stringMatching(/^TLS_/) as string,
      subject: "server",
      issuer: "tests authority",
      validTo: expect.stringMatching(/2026 GMT$/) as string,
      fingerprint256: expect.stringMatching(/^[0-9A-F:]{95}$/) as string,
      problem: "CERT_HAS_EXPIRED",
    });
    expect(steps.map(({ step }) => step)).toEqual([
      "dialling",
      "connected",
      "secured",
      "method-selected",
      "authenticated",
      "established",
    ]);
  });
});

describe("other commands over TLS", () => {
  const bindSteps = [
    { receive: octets("05 01 00"), send: octets("05 00") },
    { receive: octets("05 02 00 01 c0 00 02 01 00 00"), send: octets("05 00 00 01 00 00 00 00 10 01") },
    { send: octets("05 00 00 01 c0 00 02 01 00 14 68 69") },
  ];

  test("BIND works", async () => {
    const front = keep(await startTlsFront(keep(await listenScript(bindSteps, "keep"))));
    const chain = [parseProxyUrl(`socks5s://127.0.0.1:${front.port}`)];
    const listener = await bindThrough({ chain, peer: parseHostPort("192.0.2.1:0", 0), tls: trusting });
    expect(listener.address).toMatchObject({ host: "127.0.0.1", port: 0x1001 });
    const { socket } = await listener.connection;
    expect(String((await once(socket, "data"))[0])).toBe("hi");
    socket.destroy();
  });

  test("UDP is refused unless datagrams may travel in clear text", async () => {
    const associated = [
      { receive: octets("05 01 00"), send: octets("05 00") },
      { receive: octets("05 03 00 01 00 00 00 00 00 00"), send: octets("05 00 00 01 00 00 00 00 10 01") },
    ];
    const front = keep(await startTlsFront(keep(await listenScript(associated, "keep"))));
    const chain = [parseProxyUrl(`socks5s://u:canary-pw-2@127.0.0.1:${front.port}`)];
    const anonymous = [parseProxyUrl(`socks5s://127.0.0.1:${front.port}`)];
    const refused = await failureOf(associateThrough({ chain, tls: trusting, onMessage: () => undefined }));
    expect(refused).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
    expect(refused.message).toContain("clear text (plainDatagrams, --plain-datagrams)");
    expect(front.serverNames).toEqual([]);
    const before = heldResources();
    const association = await associateThrough({
      chain: anonymous,
      tls: trusting,
      plainDatagrams: true,
      onMessage: () => undefined,
    });
    expect(association.relayAddress).toMatchObject({ host: "127.0.0.1", port: 0x1001 });
    association.close();
    for (const one of open) for (const socket of one.sockets) socket.destroy();
    await expectReleased(before);
  });
});

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import { checkNoSecrets, listenScript, type LoopbackServer, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyUrl, proxyFromEnvironment } from "@sockskit/url";
import { parseAddress, parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import {
  bind,
  connect,
  connectionInfo,
  createDiscoveryMemory,
  type ConnectOptions,
  createResolver,
  createUdpSocket,
  isSocksError,
  type ProgressEvent,
  type SocksError,
} from "../src/index.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

// CONNECT 192.0.2.1:80, as RFC 1928 and the SOCKS 4 memo have it.
const GRANTED_5: readonly ScriptStep[] = [
  { receive: octets("05 01 00"), send: octets("05 00") },
  { receive: octets("05 01 00 01 c0 00 02 01 00 50"), send: octets("05 00 00 01 c6 33 64 07 c3 50") },
];
const GRANTED_4: readonly ScriptStep[] = [
  { receive: octets("04 01 00 50 c0 00 02 01 00"), send: octets("00 5a 00 00 00 00 00 00") },
];
const target = "192.0.2.1:80";

async function proxy(steps = GRANTED_5, end: "keep" | "end" | "reset" = "keep"): Promise<LoopbackServer> {
  const server = await listenScript(steps, end);
  open.push(server);
  return server;
}

async function failure(options: ConnectOptions): Promise<SocksError> {
  const error: unknown = await connect(options).catch((reason: unknown) => reason);
  expect(isSocksError(error), inspect(error)).toBe(true);
  return error as SocksError;
}

describe("the proxy", () => {
  test("as a URL, or parsed before", async () => {
    for (const parse of [(url: string) => url, parseProxyUrl]) {
      const { port } = await proxy();
      const socket = await connect({ proxy: parse(`socks5h://127.0.0.1:${port}`), target });
      expect(socket.remotePort).toBe(port);
      socket.destroy();
    }
  });

  test("as a chain: one text, or a list of URLs and parsed ones", async () => {
    const hop = (port: number): ScriptStep => ({
      receive: Uint8Array.of(0x04, 0x01, port >> 8, port & 0xff, 127, 0, 0, 1, 0x00),
      send: octets("00 5a 00 00 00 00 00 00"),
    });
    const second = "socks5h://127.0.0.1:9";
    for (const make of [
      (first: string) => `${first}  ${second}`,
      (first: string) => [first, second],
      (first: string) => [parseProxyUrl(first), second],
    ]) {
      const { port } = await proxy([hop(9), ...GRANTED_5]);
      const socket = await connect({ chain: make(`socks4://127.0.0.1:${port}`), target });
      expect(connectionInfo(socket)?.proxies).toEqual([`socks4://127.0.0.1:${port}`, second]);
      socket.destroy();
    }
  });

  test("from the environment, by the function that says so", async () => {
    const { port } = await proxy();
    const environment = { all_proxy: `socks5h://127.0.0.1:${port}`, no_proxy: "10.0.0.0/8" };
    const choice = proxyFromEnvironment({ environment, target: parseHostPort(target) });
    if (choice === undefined || choice.direct) throw new TypeError("expected a proxy");
    const socket = await connect({ proxy: choice.proxy, target });
    socket.destroy();
  });

  test("is not read from the environment by itself", async () => {
    const { port } = await proxy();
    process.env["ALL_PROXY"] = `socks5h://127.0.0.1:${port}`;
    try {
      expect(await failure({ target })).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
    } finally {
      delete process.env["ALL_PROXY"];
    }
  });

  test.each([
    [{ proxy: null, target }, "proxy is null; expected a proxy URL"],
    [{ proxy: 5, target }, "proxy is a value of type number; expected a proxy URL"],
    [{ proxy: {}, target }, "proxy is a value of type object; expected a proxy URL"],
    [{ proxy: new URL("socks5://u:canary-pass@a"), target }, "proxy is a URL object (its href is the text); expected"],
    [{ chain: null, target }, "chain is null; expected proxy URLs"],
    [{ chain: ["socks5://a", null], target }, "chain[1] is null; expected a proxy URL"],
    [undefined, "the options are undefined; expected an object"],
    [null, "the options are null; expected an object"],
  ])("of a wrong type is refused in words: %#", async (options, message) => {
    for (const call of [connect, bind, createUdpSocket]) {
      const given = options && { ...options, peer: "192.0.2.1" };
      const error: unknown = await call(given as unknown as never).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
      expect((error as SocksError).message).toContain(message);
      checkNoSecrets(error, ["canary-pass"]);
    }
  });

  test("must be one that can be used", async () => {
    for (const [options, code] of [
      [{}, "ERR_SOCKS_BAD_OPTION"],
      [{ proxy: "socks5://a", chain: "socks5://b" }, "ERR_SOCKS_BAD_OPTION"],
      [{ chain: [] }, "ERR_SOCKS_BAD_OPTION"],
      [{ chain: "" }, "ERR_SOCKS_BAD_PROXY_URL"],
      [{ chain: ["socks5://a", "b:1080"] }, "ERR_SOCKS_BAD_PROXY_URL"],
      [{ proxy: "" }, "ERR_SOCKS_BAD_PROXY_URL"],
      [{ proxy: "127.0.0.1:1080" }, "ERR_SOCKS_BAD_PROXY_URL"],
      [{ proxy: "ftp://127.0.0.1:3128" }, "ERR_SOCKS_UNKNOWN_SCHEME"],
      [{ proxy: "socks5s://127.0.0.1", tls: { cert: "x" } }, "ERR_SOCKS_BAD_OPTION"],
      [{ proxy: { proxy: "socks5://127.0.0.1", tls: {} } }, "ERR_SOCKS_BAD_OPTION"],
      [{ proxy: { proxy: "127.0.0.1:1080" } }, "ERR_SOCKS_BAD_PROXY_URL"],
      [{ chain: [{ proxy: "socks5://127.0.0.1", proxyProtocol: { version: 0 as 1 } }] }, "ERR_SOCKS_BAD_OPTION"],
      [{ proxy: "socks5://127.0.0.1:0" }, "ERR_SOCKS_BAD_PROXY_URL"],
    ] as const) {
      const error = await failure({ ...options, target });
      expect(error, inspect(options)).toMatchObject({ code, side: "local", stage: undefined });
    }
  });
});

describe("the target", () => {
  test.each([
    ["host:port", target],
    ["host and port", { host: "192.0.2.1", port: 80 }],
    ["an address", parseAddress("192.0.2.1", 80)],
  ])("as %s", async (_title, given) => {
    const { port } = await proxy();
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: given });
    expect(connectionInfo(socket)?.target).toMatchObject({ host: "192.0.2.1", port: 80 });
    socket.destroy();
  });

  test.each([
    ["", "ERR_SOCKS_BAD_PORT"],
    [":80", "ERR_SOCKS_BAD_ADDRESS"],
    ["example.com", "ERR_SOCKS_BAD_PORT"],
    ["example.com:0", "ERR_SOCKS_BAD_PORT"],
    ["example.com:65536", "ERR_SOCKS_BAD_PORT"],
    ["2001:db8::1:80", "ERR_SOCKS_BAD_ADDRESS"],
    ["127.1:80", "ERR_SOCKS_BAD_ADDRESS"],
    ["http://example.com:80", "ERR_SOCKS_BAD_ADDRESS"],
    [{ host: "", port: 80 }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ host: "example.com", port: 0 }, "ERR_SOCKS_BAD_PORT"],
    [{ host: "example.com", port: 80.5 }, "ERR_SOCKS_BAD_PORT"],
    [{ host: "example.com" } as { host: string; port: number }, "ERR_SOCKS_BAD_PORT"],
    [undefined as unknown as string, "ERR_SOCKS_BAD_OPTION"],
    [null as unknown as string, "ERR_SOCKS_BAD_OPTION"],
    [80 as unknown as string, "ERR_SOCKS_BAD_OPTION"],
  ])("%j is refused before anything is dialled", async (given, code) => {
    const server = await proxy();
    const error = await failure({ proxy: `socks5h://127.0.0.1:${server.port}`, target: given });
    expect(error).toMatchObject({ code, side: "local", stage: undefined });
    await sleep(5);
    expect(server.sockets.size).toBe(0);
  });
});

describe("the socket", () => {
  test("ends its side when the other does, as those of net.connect", async () => {
    const { port } = await proxy(GRANTED_5, "end");
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target });
    expect(socket.allowHalfOpen).toBe(false);
    socket.resume();
    await once(socket, "close");
    expect(socket.writableEnded).toBe(true);
  });

  test("keeps it open when asked to", async () => {
    const server = await proxy(GRANTED_5, "end");
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${server.port}`, target, allowHalfOpen: true });
    socket.resume();
    await once(socket, "end");
    expect(socket.writable).toBe(true);
    const [peer] = server.sockets;
    socket.end("the rest");
    expect(String(await once(peer as NonNullable<typeof peer>, "data"))).toBe("the rest");
    socket.destroy();
  });

  test("is like one that nobody has touched", async () => {
    const { port } = await proxy();
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target });
    expect(socket.readableFlowing).toBeNull();
    for (const event of ["error", "data", "readable", "close", "timeout"]) expect(socket.listenerCount(event)).toBe(0);
    socket.destroy();
  });
});

describe("auto", () => {
  test("is told by what was found", async () => {
    const { port } = await proxy();
    const memory = createDiscoveryMemory();
    const socket = await connect({ proxy: `auto://127.0.0.1:${port}`, target, discovery: { memory } });
    expect(connectionInfo(socket)?.proxies).toEqual([`socks5h://127.0.0.1:${port}`]);
    expect(memory.size).toBe(1);
    socket.destroy();
  });
});

describe("connectionInfo", () => {
  test("tells target, proxies without passwords, and what the proxy told", async () => {
    const { port } = await proxy([{ receive: octets("05 02 00 02"), send: octets("05 00") }, ...GRANTED_5.slice(1)]);
    const socket = await connect({ proxy: `socks5h://alice:canary-secret@127.0.0.1:${port}`, target });
    const info = connectionInfo(socket);
    expect(info).toMatchObject({
      target: { type: "ipv4", host: "192.0.2.1", port: 80 },
      proxies: [`socks5h://alice:***@127.0.0.1:${port}`],
      boundAddress: { host: "198.51.100.7", port: 50_000 },
    });
    checkNoSecrets({ info, socket }, ["canary-secret"]);
    socket.destroy();
  });

  test("knows nothing about other sockets", async () => {
    const { Socket } = await import("node:net");
    expect(connectionInfo(new Socket())).toBeUndefined();
  });

  test("has no proxies when the proxy's URL lists the target as directly connected", async () => {
    const server = await proxy([]);
    const socket = await connect({ proxy: "socks5h://192.0.2.1/127.0.0.0/8", target: `127.0.0.1:${server.port}` });
    expect(connectionInfo(socket)).toMatchObject({ proxies: [], boundAddress: undefined });
    socket.destroy();
  });
});

describe("options reach the layer below", () => {
  test("deadlines and signals", async () => {
    const { port } = await proxy([]);
    const through = { proxy: `socks5h://127.0.0.1:${port}`, target };
    expect(await failure({ ...through, timeoutMs: 300 })).toMatchObject({ code: "ERR_SOCKS_TIMEOUT" });
    expect(await failure({ ...through, stageTimeoutsMs: { negotiate: 300 } })).toMatchObject({ stage: "negotiate" });
    const reason = new Error("enough");
    expect(await failure({ ...through, signal: AbortSignal.abort(reason) })).toMatchObject({
      code: "ERR_SOCKS_ABORTED",
      cause: reason,
    });
  });

  test("resolver, family, local address, progress", async () => {
    const server = await proxy(GRANTED_4);
    const questions: string[] = [];
    const resolver = createResolver({
      lookup: (name, { family }, callback) => {
        questions.push(`${name} ${family}`);
        callback(null, [{ address: name === "proxy.example" ? "127.0.0.1" : "192.0.2.1", family: 4 }]);
      },
    });
    const steps: ProgressEvent["step"][] = [];
    const socket = await connect({
      proxy: `socks4://proxy.example:${server.port}`,
      target: "target.example:80",
      resolver,
      localAddress: "127.0.0.2",
      onProgress: ({ step }) => steps.push(step),
    });
    expect(socket.localAddress).toBe("127.0.0.2");
    expect(questions).toEqual(["target.example 4", "proxy.example 4"]);
    expect(steps).toEqual(["resolved", "dialling", "connected", "established"]);
    socket.destroy();
  });
});

describe("errors", () => {
  test("tell a dead proxy, a proxy that refuses, and a target that refuses from each other", async () => {
    const dead = await proxy();
    await dead.close();
    const refusing = await proxy([{ receive: octets("05 01 00"), send: octets("05 ff") }]);
    const refused = await proxy([
      GRANTED_5[0] ?? {},
      { ...GRANTED_5[1], send: octets("05 05 00 01 00 00 00 00 00 00") },
    ]);
    const messages: string[] = [];
    for (const { port } of [dead, refusing, refused]) {
      messages.push((await failure({ proxy: `socks5h://127.0.0.1:${port}`, target })).message);
    }
    expect(messages).toEqual([
      expect.stringMatching(/^cannot reach proxy socks5h:.*: connection refused, nothing listens there/),
      expect.stringMatching(/^proxy socks5h:.*: proxy takes none of the offered authentication methods/),
      expect.stringMatching(/^proxy socks5h:.* could not reach 192\.0\.2\.1:80: connection refused \(REP 0x05\)$/),
    ]);
  });

  test("hold no password, whatever was wrong with the options", async () => {
    const secret = "canary-pass";
    for (const options of [
      { proxy: `socks5://u:${secret}@127.0.0.1:0`, target },
      { proxy: `ftp://u:${secret}@127.0.0.1`, target },
      { proxy: `socks5://u:${secret}@127.0.0.1`, target: "nonsense" },
      { chain: `socks5://u:${secret}@127.0.0.1 nonsense`, target },
      { proxy: `socks5://u:${secret}@127.0.0.1:1`, target, timeoutMs: -1 },
      { proxy: `socks5+tls://u:${secret}@127.0.0.1`, target, tls: { key: secret } },
    ]) {
      checkNoSecrets(await failure(options), [secret]);
    }
  });
});

test("a URL that was read before is read again when many others came between", async () => {
  const { port } = await proxy();
  for (let n = 0; n < 100; n++)
    await failure({ proxy: `socks5+tls://host${n}.example`, target, tls: { cert: "none" } });
  const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target });
  socket.destroy();
});

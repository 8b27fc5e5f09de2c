import { once } from "node:events";
import type { Socket } from "node:net";

import {
  checkNoSecrets,
  concat,
  hex,
  listenEcho,
  listenScript,
  type LoopbackServer,
  octets,
  readOctets,
  readToEnd,
  type ScriptStep,
} from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { conversations, messageOctets } from "@sockskit/vectors";
import { parseAddress, parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialThrough, type DialThroughOptions } from "../../src/index.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { startTinyProxy, type TinyProxy, type TinyProxyOptions } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const tinyProxy = async (options?: TinyProxyOptions): Promise<TinyProxy> => keep(await startTinyProxy(options));

/** Steps of a script that plays the server of a recorded conversation. */
function serverOf(name: string): ScriptStep[] {
  const conversation = conversations().find((candidate) => candidate.name === name);
  if (conversation === undefined) throw new TypeError(`no conversation ${name}`);
  return conversation.steps.map(({ from, messages }) => {
    const all = concat(...messages.map(messageOctets));
    return from === "client" ? { receive: all } : { send: all };
  });
}

async function through(
  url: string,
  steps: readonly ScriptStep[],
  destination: string,
  options: Partial<DialThroughOptions> = {},
) {
  const server = keep(await listenScript(steps, "keep"));
  const chain = [parseProxyUrl(url.replace("PROXY", `127.0.0.1:${server.port}`))];
  const tunnel = await dialThrough({ chain, destination: parseHostPort(destination), timeoutMs: 5000, ...options });
  expect(server.problems).toEqual([]);
  return { ...tunnel, server };
}

describe("one hop, octet by octet as the specifications have it", () => {
  test.each([
    ["s5-noauth-connect", "socks5h://PROXY", "example.com:80", "198.51.100.7", 50_000],
    ["s5-userpass-ipv6", "socks5h://alice:s3cret@PROXY", "[2001:db8::1]:443", "2001:db8::ff", 49_152],
    ["url-s5-empty-pass", "socks5h://alice@PROXY", undefined, undefined, undefined],
    ["s4-connect", "socks4://fred@PROXY", "192.0.2.10:80", "198.51.100.7", 50_000],
    ["s4-connect-empty", "socks4a://PROXY", "192.0.2.10:443", "0.0.0.0", 0],
    ["s4a-connect", "socks4a://PROXY", "example.com:443", "198.51.100.7", 50_001],
    ["url-userid", "socks4a://fr%65d@PROXY/", "example.com:25", "0.0.0.0", 0],
  ])("%s", async (name, url, destination, host, port) => {
    if (destination === undefined) {
      // The vector ends with the authentication.
      const steps = serverOf(name);
      const error = await through(url, steps, "example.com:80", { timeoutMs: 300 }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
      return;
    }
    const { socket, boundAddress, hops } = await through(url, serverOf(name), destination);
    expect(boundAddress).toMatchObject({ host, port });
    expect(hops.length).toBe(1);
    socket.destroy();
  });

  test("a reply that names a domain, and one that is no address, do no harm", async () => {
    const greeting = [{ receive: octets("05 01 00"), send: octets("05 00") }];
    const request = octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50");
    const named = await through(
      "socks5h://PROXY",
      [...greeting, { receive: request, send: octets("05 00 00 03 03 61 2e 62 00 50") }],
      "example.com:80",
    );
    expect(named.boundAddress).toMatchObject({ type: "domain", host: "a.b", port: 80 });
    named.socket.destroy();
    const odd = await through(
      "socks5h://PROXY",
      [...greeting, { receive: request, send: octets("05 00 00 03 01 20 00 50") }],
      "example.com:80",
    );
    expect(odd.boundAddress).toBeUndefined();
    odd.socket.destroy();
  });
});

describe("what comes with the last reply", () => {
  const steps = (reply: string): ScriptStep[] => [
    { receive: octets("05 01 00"), send: octets("05 00") },
    { receive: octets("05 01 00 01 c0 00 02 01 00 19"), send: octets(reply) },
  ];
  const greeting = "32 32 30 20 72 65 61 64 79 0d 0a"; // 220 ready

  test("is the first that is read, whatever way of reading is used", async () => {
    const success = `05 00 00 01 00 00 00 00 00 00 ${greeting}`;
    const readers: ((socket: Socket) => Promise<string>)[] = [
      async (socket) => String(await once(socket, "data")),
      async (socket) => String(await readOctets(socket, 11)),
      async (socket) => {
        for await (const chunk of socket) return String(chunk);
        return "";
      },
      async (socket) => {
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        return String(await once(socket, "data"));
      },
    ];
    for (const read of readers) {
      const { socket } = await through("socks5h://PROXY", steps(success), "192.0.2.1:25");
      expect((await read(socket)).length).toBeGreaterThan(10);
      socket.destroy();
    }
  });

  test("is complete with every split of the server's octets", async () => {
    const all = octets(`05 00 00 01 00 00 00 00 00 00 ${greeting}`);
    for (let at = 0; at <= all.length; at++) {
      const server = keep(
        await listenScript(
          [
            { receive: octets("05 01 00"), send: octets("05 00") },
            { receive: octets("05 01 00 01 c0 00 02 01 00 19"), send: all.subarray(0, at) },
          ],
          "keep",
        ),
      );
      const chain = [parseProxyUrl(`socks5h://127.0.0.1:${server.port}`)];
      const dialled = dialThrough({ chain, destination: parseHostPort("192.0.2.1:25"), timeoutMs: 5000 });
      while (server.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
      // The first part is on its way; time to arrive, so that the rest comes by itself.
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const peer of server.sockets) peer.end(all.subarray(at));
      const { socket } = await dialled;
      expect(hex(await readToEnd(socket))).toBe(greeting);
      socket.destroy();
    }
  });

  test("an end that comes with it is not lost", async () => {
    const server = keep(await listenScript(steps(`05 00 00 01 00 00 00 00 00 00 ${greeting}`), "end"));
    const chain = [parseProxyUrl(`socks5h://127.0.0.1:${server.port}`)];
    const { socket } = await dialThrough({ chain, destination: parseHostPort("192.0.2.1:25") });
    expect(hex(await readToEnd(socket))).toBe(greeting);
    expect(socket.writable).toBe(true);
    socket.destroy();
  });

  test("a reset behind it is the caller's error, not ours", async () => {
    const server = keep(await listenScript(steps(`05 00 00 01 00 00 00 00 00 00`), "keep"));
    const chain = [parseProxyUrl(`socks5h://127.0.0.1:${server.port}`)];
    const { socket } = await dialThrough({ chain, destination: parseHostPort("192.0.2.1:25") });
    const failed = once(socket, "error");
    const [peer] = server.sockets;
    peer?.pause();
    socket.write(Buffer.alloc(0x400000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Closed with unread data: a reset without a FIN before it.
    peer?.destroy();
    expect(await failed).toMatchObject([{ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string }]);
  });
});

describe("the socket", () => {
  test("is as if node:net had connected it", async () => {
    const proxy = await tinyProxy();
    const target = keep(await listenEcho());
    const chain = [parseProxyUrl(`socks5h://127.0.0.1:${proxy.port}`)];
    const { socket } = await dialThrough({ chain, destination: parseAddress(target.host, target.port) });
    await new Promise(setImmediate);
    expect(socket.readableFlowing).toBeNull();
    expect(socket.isPaused()).toBe(false);
    for (const event of ["connect", "error", "readable", "data", "close", "timeout"]) {
      expect(socket.listenerCount(event), event).toBe(0);
    }
    expect(socket.remotePort).toBe(proxy.port);
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.end("ping");
    await once(socket, "end");
    expect(String(Buffer.concat(received))).toBe("ping");
    socket.destroy();
  });

  test("can be paused at once, and piped", async () => {
    const proxy = await tinyProxy();
    const target = keep(await listenEcho());
    const chain = [parseProxyUrl(`socks4://127.0.0.1:${proxy.port}`)];
    const { socket } = await dialThrough({ chain, destination: parseAddress(target.host, target.port) });
    socket.pause();
    socket.write("kept");
    let early = false;
    socket.once("data", () => (early = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(early).toBe(false);
    socket.resume();
    await once(socket, "data");
    socket.destroy();
  });
});

describe("chains", () => {
  test("the documented example, hop by hop, octet by octet", async () => {
    // One peer plays all three: what comes after a grant is the next hop's conversation.
    const steps = ["url-chain-hop-1", "url-chain-hop-2", "url-chain-hop-3"].flatMap(serverOf);
    const server = keep(await listenScript(steps, "keep"));
    const chain = parseProxyChain(
      `socks4://127.0.0.1:${server.port} socks5://root:123@10.0.0.2:1080 socks4a://85.224.100.1:9010`,
    );
    const { socket, hops } = await dialThrough({ chain, destination: parseHostPort("www.google.com:80") });
    expect(server.problems).toEqual([]);
    expect(hops).toEqual(chain);
    checkNoSecrets({ hops }, ["root:123@"]);
    socket.destroy();
  });

  test("three mixed versions, names by each hop's scheme", async () => {
    const target = keep(await listenEcho());
    const last = await tinyProxy({
      credentials: { username: "u", password: "p" },
      names: { "target.example": target },
    });
    const middle = await tinyProxy({ names: { "last.example": last } });
    const first = await tinyProxy({ names: { "middle.example": middle } });
    const resolver = fixedResolver({ "first.example": ["127.0.0.1"] });
    const chain = parseProxyChain(
      [
        `socks5h://first.example:${first.port}`,
        `socks4a://middle.example:${middle.port}`,
        `socks5h://u:p@last.example:${last.port}`,
      ].join(" "),
    );
    const destination = parseAddress("target.example", target.port);
    const { socket } = await dialThrough({ chain, destination, resolver });
    socket.write("through three");
    expect(String(await once(socket, "data"))).toBe("through three");
    socket.destroy();
    expect(resolver.questions).toEqual(["first.example 0"]);
    expect(Buffer.from(octets(first.requests[0] ?? "")).includes("middle.example")).toBe(true);
    expect(Buffer.from(octets(middle.requests[0] ?? "")).includes("last.example")).toBe(true);
    expect(Buffer.from(octets(last.requests[0] ?? "")).includes("target.example")).toBe(true);
  });

  test("a hop that resolves locally gets the address of the next proxy", async () => {
    const target = keep(await listenEcho());
    const last = await tinyProxy();
    const first = await tinyProxy();
    const resolver = fixedResolver({ "last.example": ["::9", "127.0.0.1"] });
    const { socket } = await dialThrough({
      chain: parseProxyChain(`socks4://127.0.0.1:${first.port} socks5h://last.example:${last.port}`),
      destination: parseAddress(target.host, target.port),
      resolver,
    });
    expect(resolver.questions).toEqual(["last.example 4"]);
    socket.destroy();
  });

  test("replies of two hops in one segment, and the target's first words", async () => {
    const server = keep(
      await listenScript(
        [
          {
            receive: octets("04 01 04 38 0a 00 00 02 00"),
            // Nobody may answer before being asked, but octets must not be lost when somebody does.
            send: octets("00 5a 00 00 00 00 00 00 05 00 05 00 00 01 00 00 00 00 00 00 68 69"),
          },
        ],
        "keep",
      ),
    );
    const chain = parseProxyChain(`socks4://127.0.0.1:${server.port} socks5h://10.0.0.2`);
    const { socket } = await dialThrough({ chain, destination: parseHostPort("192.0.2.1:80") });
    expect(hex(await readOctets(socket, 2))).toBe("68 69");
    socket.destroy();
  });
});

describe("networks that a proxy URL lists as directly connected", () => {
  test("are reached without the proxy", async () => {
    const target = keep(await listenEcho());
    const proxy = await tinyProxy();
    const checked: string[] = [];
    const direct = async (url: string, host: string) => {
      const { socket, hops, boundAddress } = await dialThrough({
        chain: [parseProxyUrl(url)],
        destination: parseAddress(host, target.port),
        resolver: fixedResolver({ "near.example": ["127.0.0.1"], "far.example": ["192.0.2.1"] }),
        check: ({ host: dialled }) => void checked.push(dialled),
      });
      expect(boundAddress).toBeUndefined();
      expect(hops).toEqual([]);
      expect(socket.remotePort).toBe(target.port);
      socket.destroy();
    };
    await direct(`socks://127.0.0.1:${proxy.port}/127.0.0.0/8`, "127.0.0.1");
    await direct(`socks4://127.0.0.1:${proxy.port}/127.0.0.0/255.0.0.0`, "near.example");
    expect(checked).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(proxy.requests).toEqual([]);
  });

  test("a name that the proxy resolves is never direct, nor is any other address", async () => {
    const target = keep(await listenEcho());
    const proxy = await tinyProxy({ names: { "near.example": target } });
    for (const [network, host] of [
      ["127.0.0.0/8", "near.example"],
      ["10.0.0.0/8", "127.0.0.1"],
    ] as const) {
      const { socket, hops } = await dialThrough({
        chain: [parseProxyUrl(`socks5h://127.0.0.1:${proxy.port}/${network}`)],
        destination: parseAddress(host, target.port),
      });
      expect(hops.length).toBe(1);
      socket.destroy();
    }
    expect(proxy.requests.length).toBe(2);
  });
});

import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import type { ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  afterTest,
  connectTo,
  converse,
  GREETING,
  pause,
  portHex,
  type Running,
  startServer,
  until,
} from "./server-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** BIND for a peer at an IPv4 address of this host, by default 127.0.0.1. */
function bindRequest(host = "7f 00 00 01", port = 21): Uint8Array {
  return octets(`05 02 00 01 ${host} ${portHex(port)}`);
}

function bindName(name: string): Uint8Array {
  const length = name.length.toString(16).padStart(2, "0");
  return octets(`05 02 00 03 ${length} ${Buffer.from(name).toString("hex")} 00 15`);
}

interface Bound {
  readonly client: net.Socket;
  /** The first reply. */
  readonly reply: Uint8Array;
  readonly host: string;
  readonly port: number;
}

/** Asks for a BIND with SOCKS 5, and reads the first reply. */
async function bind(port: number, request: Uint8Array = bindRequest(), more = new Uint8Array()): Promise<Bound> {
  const client = await connectTo(port);
  client.write(concat(GREETING, request, more));
  const replies = await readOctets(client, 12);
  expect(hex(replies.subarray(0, 5))).toBe("0500050000");
  const reply = replies.subarray(2);
  return { client, reply, host: reply.subarray(4, 8).join("."), port: ((reply[8] ?? 0) << 8) | (reply[9] ?? 0) };
}

/** Connects from an address that need not be welcome; what becomes of that: the code of an error, or all that it gets. */
function comeFrom(localAddress: string, host: string, port: number): Promise<string> {
  const socket = net.connect({ port, host, localAddress });
  afterTest(() => socket.destroy());
  return readToEnd(socket).then(hex, (error: unknown) => (error as NodeJS.ErrnoException).code ?? "");
}

/** Whether somebody listens there. */
async function isListening(port: number, host = "127.0.0.1"): Promise<boolean> {
  const socket = net.connect({ port, host });
  afterTest(() => socket.destroy());
  return new Promise((resolve) => {
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
  });
}

const closed = async ({ server, log }: Running): Promise<void> => {
  await until(() => log.closed.length === 1, "the session is closed");
  expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0, tunnels: 0 });
  expect(log.error).toEqual([]);
};

describe("a peer that is expected", () => {
  test("SOCKS 5: two replies, then both ways", async () => {
    const running = await startServer();
    const { client, host, port } = await bind(running.port);
    expect(host).toBe("127.0.0.1");
    expect([...running.server.sessions()][0]).toMatchObject({ phase: "binding" });
    expect(running.log.bound[0]).toMatchObject({
      command: "bind",
      destination: { host: "127.0.0.1", port: 21 },
      address: { host: "127.0.0.1", port },
    });
    const peer = await connectTo(port);
    const { localPort } = peer;
    expect(hex(await readOctets(client, 10))).toBe(`050000017f000001${portHex(localPort ?? 0)}`);
    peer.write("from the peer");
    client.write("from the client");
    expect(text(await readOctets(client, 13))).toBe("from the peer");
    expect(text(await readOctets(peer, 15))).toBe("from the client");
    client.end();
    expect(await readToEnd(peer)).toHaveLength(0);
    peer.end("last words");
    expect(text(await readToEnd(client))).toBe("last words");
    await closed(running);
    expect(running.log.connected).toHaveLength(1);
    expect(running.log.connected[0]).toMatchObject({
      command: "bind",
      version: 5,
      destination: { host: "127.0.0.1", port: 21 },
      address: { host: "127.0.0.1", port: localPort },
    });
    expect(running.log.closed[0]).toMatchObject({ bytesIn: 15, bytesOut: 23, reason: "finished" });
  });

  test("SOCKS 4", async () => {
    const running = await startServer();
    const client = await connectTo(running.port);
    client.write(octets("04 02 00 15 7f 00 00 01 66 72 65 64 00"));
    const reply = await readOctets(client, 8);
    expect(hex(reply.subarray(0, 2)) + hex(reply.subarray(4))).toBe("005a7f000001");
    const peer = await connectTo(((reply[2] ?? 0) << 8) | (reply[3] ?? 0));
    expect(hex(await readOctets(client, 8))).toBe(`005a${portHex(peer.localPort ?? 0)}7f000001`);
    peer.write("x");
    expect(text(await readOctets(client, 1))).toBe("x");
    expect(running.log.bound[0]).toMatchObject({ version: 4, userId: "fred" });
  });

  test("SOCKS 4A: by name, whichever of its addresses it comes from", async () => {
    const resolver = { resolve: () => Promise.resolve([address("192.0.2.1"), address("127.0.0.1")]) };
    const running = await startServer({ outbound: { resolver, localAddress: "127.0.0.1" } });
    const client = await connectTo(running.port);
    client.write(octets("04 02 00 15 00 00 00 01 00 66 74 70 2e 65 78 61 6d 70 6c 65 00"));
    const reply = await readOctets(client, 8);
    const peer = await connectTo(((reply[2] ?? 0) << 8) | (reply[3] ?? 0));
    expect(hex((await readOctets(client, 8)).subarray(0, 2))).toBe("005a");
    expect(running.log.connected[0]).toMatchObject({ destination: { host: "ftp.example" } });
    peer.end();
  });

  test("over IPv6", async () => {
    const running = await startServer({ listen: [{ host: "::1", port: 0 }] });
    const client = await connectTo(running.port, "::1");
    client.write(concat(GREETING, octets("05 02 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 15")));
    const replies = await readOctets(client, 2 + 22);
    const reply = replies.subarray(2);
    expect(hex(reply.subarray(0, 20))).toBe(`05000004${"00".repeat(15)}01`);
    await connectTo(((reply[20] ?? 0) << 8) | (reply[21] ?? 0), "::1");
    expect(hex((await readOctets(client, 22)).subarray(0, 4))).toBe("05000004");
  });

  test("the listener is on the address that the peer reaches, whatever the client came by", async () => {
    const running = await startServer({ listen: [{ host: "::1", port: 0 }] });
    const client = await connectTo(running.port, "::1");
    client.write(concat(GREETING, bindRequest()));
    expect(hex((await readOctets(client, 12)).subarray(0, 10))).toBe("0500050000017f000001");
  });

  test("what the client sent before goes to the peer first, whole and in order", async () => {
    const running = await startServer();
    const early = Buffer.alloc(30_000, "0123456789");
    const { client, port } = await bind(running.port, bindRequest(), early);
    client.write("and more");
    const peer = await connectTo(port);
    expect(hex((await readOctets(client, 10)).subarray(0, 2))).toBe("0500");
    expect(text(await readOctets(peer, 30_008))).toBe(`${early.toString()}and more`);
  });
});

function address(host: string): { type: "ipv4"; host: string; port: number; octets: Uint8Array } {
  return { type: "ipv4", host, port: 0, octets: Uint8Array.from(host.split("."), Number) };
}

describe("somebody else", () => {
  test("gets nothing, and ends the request with reply 02", async () => {
    const running = await startServer();
    const { client, host, port } = await bind(running.port, bindRequest("7f 00 00 02"));
    client.write("secret");
    expect(await comeFrom("127.0.0.3", host, port)).toBe("ECONNRESET");
    expect(hex(await readToEnd(client))).toBe("05020001000000000000");
    client.end();
    expect(await isListening(port, host)).toBe(false);
    await closed(running);
    expect(running.log.denied[0]).toMatchObject({ stage: "request", code: "ERR_SOCKS_WRONG_PEER", rep: 0x02 });
  });

  test("ends a request of SOCKS 4 with reply 5b", async () => {
    const running = await startServer();
    const client = await connectTo(running.port);
    client.write(octets("04 02 00 15 7f 00 00 02 00"));
    const reply = await readOctets(client, 8);
    await comeFrom("127.0.0.3", "127.0.0.1", ((reply[2] ?? 0) << 8) | (reply[3] ?? 0));
    expect(hex(await readToEnd(client))).toBe("005b000000000000");
  });

  test("one is taken: the port is closed behind the peer", async () => {
    const running = await startServer();
    const { client, port } = await bind(running.port);
    await connectTo(port);
    await readOctets(client, 10);
    expect(await isListening(port)).toBe(false);
  });

  test("may come only where any may, and the rules decide on it", async () => {
    const zero = bindRequest("00 00 00 00");
    const refused = await startServer();
    expect(await converse(refused.port, GREETING, zero)).toBe("050005020001000000000000");
    expect(refused.log.denied[0]?.reason).toContain("bind.allowAnyPeer");
    expect(await converse(refused.port, octets("04 02 00 15 00 00 00 00 00"))).toBe("005b000000000000");

    const open = await startServer({
      bind: { allowAnyPeer: true },
      rules: [{ action: "deny", to: ["127.0.0.3"] }, { action: "allow" }],
    });
    const first = await bind(open.port, zero);
    await connectTo(first.port, "127.0.0.1", "127.0.0.2");
    expect(hex(await readOctets(first.client, 10))).toMatch(/^050000017f000002/);
    const second = await bind(open.port, zero);
    expect(await comeFrom("127.0.0.3", "127.0.0.1", second.port)).toBe("ECONNRESET");
    expect(hex(await readToEnd(second.client))).toBe("05020001000000000000");
  });
});

describe("rules", () => {
  const only = (...rules: NonNullable<ServerOptions["rules"]>): ServerOptions => ({ rules });

  test("decide on the peer before anything is opened", async () => {
    const running = await startServer(only({ action: "deny", to: ["127.0.0.0/8"] }, { action: "allow" }));
    expect(await converse(running.port, GREETING, bindRequest())).toBe("050005020001000000000000");
    expect(running.log.bound).toEqual([]);
  });

  test("know the command", async () => {
    const running = await startServer(only({ action: "allow", commands: ["connect"] }));
    expect(await converse(running.port, GREETING, bindRequest())).toBe("050005020001000000000000");
  });

  test("decide on each address of a name; the denied one is a stranger", async () => {
    const resolver = { resolve: () => Promise.resolve([address("127.0.0.2"), address("127.0.0.3")]) };
    const running = await startServer({
      outbound: { resolver },
      ...only({ action: "deny", to: ["127.0.0.3"] }, { action: "allow" }),
    });
    const { client, port, host } = await bind(running.port, bindName("ftp.example"));
    expect(await comeFrom("127.0.0.3", host, port)).toBe("ECONNRESET");
    expect(hex(await readToEnd(client))).toBe("05020001000000000000");
  });

  test("limits of a rule count", async () => {
    const running = await startServer(only({ action: "allow", limit: { sessions: 1 } }));
    const { client } = await bind(running.port);
    expect(await converse(running.port, GREETING, bindRequest())).toBe("050005020001000000000000");
    expect(running.log.denied[0]?.code).toBe("ERR_SOCKS_LIMIT");
    client.destroy();
    await until(() => running.server.stats.sessions === 0, "the place is free");
    (await bind(running.port)).client.destroy();
  });
});

describe("failures", () => {
  test("a name that cannot be found", async () => {
    const running = await startServer();
    expect(await converse(running.port, GREETING, bindName("no-such-host.invalid"))).toBe("050005040001000000000000");
    await closed(running);
  });

  test("nobody comes: reply 06, and the port is closed", async () => {
    const running = await startServer({ timeouts: { bindMs: 200 } });
    const { client, port } = await bind(running.port);
    expect(hex(await readToEnd(client))).toBe("05060001000000000000");
    expect(await isListening(port)).toBe(false);
    client.end();
    await closed(running);
    expect(running.log.closed[0]).toMatchObject({ reason: "unreachable", code: "ERR_SOCKS_TIMEOUT", rep: 0x06 });
  });

  test("nobody comes: reply 5b to SOCKS 4", async () => {
    const running = await startServer({ timeouts: { bindMs: 150 } });
    const client = await connectTo(running.port);
    client.write(octets("04 02 00 15 7f 00 00 01 00"));
    expect(hex((await readToEnd(client)).subarray(8))).toBe("005b000000000000");
  });

  test("a resolver that never answers", async () => {
    const resolver = { resolve: () => new Promise<never>(() => undefined) };
    const running = await startServer({ outbound: { resolver }, timeouts: { bindMs: 150 } });
    expect(await converse(running.port, GREETING, bindName("slow.example"))).toBe("050005060001000000000000");
    await closed(running);
  });

  test("every port of the range is in use", async () => {
    const running = await startServer();
    const taken = net.createServer().listen(0, "127.0.0.1");
    afterTest(() => taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    const narrow = await startServer({ bind: { ports: `${port}-${port}` } });
    expect(await converse(narrow.port, GREETING, bindRequest())).toBe("050005010001000000000000");
    await closed(narrow);
    expect(narrow.log.closed[0]).toMatchObject({ code: "EADDRINUSE", rep: 0x01 });
    await running.server.close();
  });
});

describe("a client that leaves", () => {
  test.each([
    ["by FIN", (client: net.Socket) => client.end()],
    ["by RST", (client: net.Socket) => client.resetAndDestroy()],
  ])("%s, closes the listener", async (_how, leave) => {
    const running = await startServer();
    const { client, port } = await bind(running.port, bindRequest(), Buffer.from("early"));
    leave(client);
    await closed(running);
    expect(running.log.closed[0]?.reason).toBe("client-left");
    expect(await isListening(port)).toBe(false);
  });

  test("while the name is looked up", async () => {
    let asked = false;
    const resolver = {
      resolve: (_name: string, { signal }: { signal?: AbortSignal | undefined }) =>
        new Promise<never>((_resolve, reject) => {
          asked = true;
          signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        }),
    };
    const running = await startServer({ outbound: { resolver } });
    const client = await connectTo(running.port);
    client.end(concat(GREETING, bindName("slow.example")));
    await closed(running);
    expect(asked).toBe(true);
  });

  test("who floods is not read on, and loses nothing", async () => {
    const running = await startServer();
    const { client, port } = await bind(running.port);
    const flood = Buffer.alloc(64 * 1024 * 1024, "f");
    client.write(flood);
    await pause(200);
    // What is not in the buffers of the system and of this side is what the server has read.
    expect(client.writableLength).toBeGreaterThan(flood.length / 2);
    const peer = await connectTo(port);
    expect(hex((await readOctets(client, 10)).subarray(0, 2))).toBe("0500");
    client.end();
    let received = 0;
    for await (const chunk of peer) received += (chunk as Buffer).length;
    expect(received).toBe(flood.length);
  });
});

test("the server closes: waiting ends at once", async () => {
  const running = await startServer();
  const { client, port } = await bind(running.port);
  client.resume();
  client.on("error", () => undefined);
  await running.server.close({ drainMs: 10_000 });
  expect(await isListening(port)).toBe(false);
  expect(running.log.closed[0]?.reason).toBe("server-closed");
});

describe("options", () => {
  test("ports: one of the range", async () => {
    const free = await startServer();
    await free.server.close();
    const running = await startServer({ bind: { ports: { from: free.port, to: Math.min(free.port + 20, 65_535) } } });
    const { port } = await bind(running.port);
    expect(port).toBeGreaterThanOrEqual(free.port);
    expect(port).toBeLessThanOrEqual(free.port + 20);
  });

  test("advertise: what the reply names", async () => {
    const running = await startServer({ listen: [{ port: 0, advertise: "203.0.113.7" }] });
    const { client, host, port } = await bind(running.port);
    expect(host).toBe("203.0.113.7");
    expect(running.log.bound[0]?.address.host).toBe("127.0.0.1");
    await connectTo(port);
    expect(hex(await readOctets(client, 10))).toMatch(/^050000017f000001/);
  });
});

// BIND that goes by an upstream.
import net from "node:net";
import { expect, test } from "vitest";
import type { ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  afterTest,
  connectTo,
  converse,
  GREETING,
  portHex,
  refused,
  type Running,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { resolverOf } from "./udp-support.ts";
import { startProxy } from "./upstream-support.ts";

type Rules = NonNullable<ServerOptions["rules"]>;

const LOOPBACK = octets("05 02 00 01 7f 00 00 01 00 15");

/** A server whose only way out is another one of ours. */
async function startPair(
  rules: Rules = [{ action: "allow", via: "up" }],
  upstreamOptions: ServerOptions = {},
  options: ServerOptions = {},
): Promise<{ near: Running; far: Running }> {
  const far = await startServer(upstreamOptions);
  const upstreams = { up: [[`socks5h://127.0.0.1:${far.port}`]] };
  return { near: await startServer({ rules, upstreams, ...options }), far };
}

async function bindAt(port: number, request: Uint8Array): Promise<{ client: net.Socket; told: Buffer }> {
  const client = await connectTo(port);
  client.write(concat(GREETING, request, Buffer.from("early ")));
  return { client, told: Buffer.from(await readOctets(client, 12)) };
}

function callBack(told: Buffer): net.Socket {
  const socket = net.connect({
    host: told.subarray(6, 10).join("."),
    port: told.readUInt16BE(10),
    localAddress: "127.0.0.1",
  });
  afterTest(() => socket.destroy());
  socket.on("error", () => undefined);
  return socket;
}

test("the upstream listens, and tells who came; the client gets both as the upstream told them", async () => {
  const { near, far } = await startPair(undefined, {}, { listen: [{ port: 0, advertise: "203.0.113.7" }] });
  const { client, told } = await bindAt(near.port, LOOPBACK);
  // Not the address that this server advertises for itself.
  expect(told.toString("hex")).toMatch(/^0500050000017f000001/);
  expect(far.log.bound[0]?.address.port).toBe(told.readUInt16BE(10));
  const peer = callBack(told);
  expect(Buffer.from(await readOctets(peer, 6)).toString()).toBe("early ");
  const peerPort = peer.localPort ?? 0;
  const second = Buffer.from(await readOctets(client, 10));
  expect(second.toString("hex")).toBe(`050000017f000001${portHex(peerPort)}`);
  peer.end("called back");
  expect(Buffer.from(await readToEnd(client)).toString()).toBe("called back");
  client.end();
  await until(() => near.log.closed.length === 1, "the session is closed");
  const via = { upstream: "up", alternative: 0, proxies: [`socks5h://127.0.0.1:${far.port}`] };
  expect(near.log.bound).toEqual([expect.objectContaining({ via, command: "bind" })]);
  expect(near.log.connected).toEqual([
    expect.objectContaining({ via, address: expect.objectContaining({ port: peerPort }) as unknown }),
  ]);
});

test("a name is passed on, and the peer that the upstream lets in is taken", async () => {
  const { near, far } = await startPair(undefined, {
    outbound: { resolver: resolverOf({ "peer.example": ["127.0.0.1"] }) },
  });
  const { client, told } = await bindAt(
    near.port,
    octets(`05 02 00 03 0c ${Buffer.from("peer.example").toString("hex")} 00 15`),
  );
  expect(far.log.bound[0]?.destination).toMatchObject({ host: "peer.example" });
  callBack(told).end("x");
  expect(Buffer.from(await readOctets(client, 11)).toString("latin1", 10)).toBe("x");
});

test("a peer that the upstream should not have let in is refused here", async () => {
  // It listens, and says that 192.0.2.9 came.
  const proxy = await startTarget((socket) => {
    socket.once("data", () => {
      socket.write(octets("05 00"));
      socket.once("data", () => {
        socket.write(octets("05 00 00 01 c6 33 64 07 c3 50"));
        setTimeout(() => socket.write(octets("05 00 00 01 c0 00 02 09 c3 51")), 20);
      });
    });
  });
  const { port, log } = await startServer({
    rules: [{ action: "allow", via: "up" }],
    upstreams: { up: [[`socks5h://127.0.0.1:${proxy.port}`]] },
  });
  expect(await converse(port, GREETING, octets("05 02 00 01 c0 00 02 01 00 15"))).toBe(
    `050005000001c6336407c350${refused("02", "")}`,
  );
  expect(log.denied).toEqual([expect.objectContaining({ code: "ERR_SOCKS_WRONG_PEER" })]);
});

test("any peer: the rules decide on who came, and on the way it must have come", async () => {
  const any = octets("05 02 00 01 00 00 00 00 00 00");
  const bind = { allowAnyPeer: true };
  const good = await startPair([{ action: "allow", via: "up" }], { bind }, { bind });
  const first = await bindAt(good.near.port, any);
  callBack(first.told).end("x");
  expect(Buffer.from(await readOctets(first.client, 11)).toString("latin1", 10)).toBe("x");
  // The first rule that speaks of BIND says by which upstream; the peer falls under another one.
  const rules: Rules = [{ action: "allow", to: ["192.0.2.1"], via: "up" }, { action: "allow" }];
  const bad = await startPair(rules, { bind }, { bind });
  const second = await bindAt(bad.near.port, any);
  callBack(second.told);
  expect(Buffer.from(await readOctets(second.client, 10)).toString("hex")).toBe(refused("02", ""));
  expect(bad.near.log.denied).toEqual([expect.objectContaining({ code: "ERR_SOCKS_DENIED", rule: 1 })]);
});

test("a client that leaves takes the upstream's listener with it", async () => {
  const { near, far } = await startPair();
  const { client } = await bindAt(near.port, LOOPBACK);
  client.end();
  await until(() => far.log.closed.length === 1 && near.log.closed.length === 1, "both sessions are closed");
  expect(near.log.closed[0]?.reason).toBe("client-left");
});

test("nobody comes: the client is told in time, and the upstream is left", async () => {
  const { near, far } = await startPair(undefined, {}, { timeouts: { bindMs: 300 } });
  const { client } = await bindAt(near.port, LOOPBACK);
  expect(Buffer.from(await readToEnd(client)).toString("hex")).toBe(refused("06", ""));
  client.end();
  await until(() => far.log.closed.length === 1, "the upstream's session is closed");
  expect(near.log.upstream).toEqual([]);
});

test("an upstream that cannot listen: 07 for chains, and the reply of one that refuses", async () => {
  const refusing = await startProxy("05 07 00 01 00 00 00 00 00 00");
  const chain = [`socks5h://127.0.0.1:${refusing.port}`, "socks5h://127.0.0.1:9"];
  const { port } = await startServer({ rules: [{ action: "allow", via: "up" }], upstreams: { up: [chain] } });
  expect(await converse(port, GREETING, LOOPBACK)).toBe(refused("07"));
  expect(refusing.count()).toBe(0);
  const single = await startServer({
    rules: [{ action: "allow", via: "up" }],
    upstreams: { up: [chain, [`socks5h://127.0.0.1:${refusing.port}`]] },
  });
  expect(await converse(single.port, GREETING, LOOPBACK)).toBe(refused("07"));
  expect(refusing.count()).toBe(1);
});

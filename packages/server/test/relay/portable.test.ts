import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { readOctets, readToEnd } from "@sockskit/testing";
import { DeadlineLane, type LaneEntry } from "../../src/limits/deadline-lane.ts";
import { RateBucket } from "../../src/limits/rate-bucket.ts";
import { portableRelay } from "../../src/relay/portable.ts";
import type { Tunnel, TunnelEnd } from "../../src/relay/relay.ts";

const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Both ends of a TCP connection: the one the relay gets, and the peer's. */
async function connection(): Promise<{ ours: net.Socket; peer: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const accepted = once(server, "connection") as Promise<[net.Socket]>;
  const peer = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  peer.on("error", () => undefined);
  const [[ours]] = await Promise.all([accepted, once(peer, "connect")]);
  server.close();
  sockets.push(ours, peer);
  return { ours, peer };
}

interface Setup {
  readonly client: net.Socket;
  readonly target: net.Socket;
  /** The ends that the relay has. */
  readonly ours: { readonly client: net.Socket; readonly target: net.Socket };
  readonly tunnel: Tunnel;
  readonly ended: Promise<TunnelEnd>;
  readonly lane: DeadlineLane<LaneEntry>;
}

async function tunnelOf(options: { early?: string; idleMs?: number; rate?: number } = {}): Promise<Setup> {
  const [client, target] = [await connection(), await connection()];
  const { idleMs = 60_000, early, rate } = options;
  const lane = new DeadlineLane<LaneEntry>(idleMs / 8);
  let tunnel: Tunnel | undefined;
  const ended = new Promise<TunnelEnd>((resolve) => {
    tunnel = portableRelay.start({
      client: client.ours,
      target: target.ours,
      early: early === undefined ? undefined : Buffer.from(early),
      bucket: rate === undefined ? undefined : new RateBucket(rate),
      idleMs,
      idleLane: lane,
      onEnd: resolve,
    });
  });
  const ours = { client: client.ours, target: target.ours };
  return { client: client.peer, target: target.peer, ours, tunnel: tunnel as Tunnel, ended, lane };
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString();

test("both directions carry, what the client sent early comes first", async () => {
  const { client, target, tunnel } = await tunnelOf({ early: "one " });
  client.write("two");
  expect(text(await readOctets(target, 7))).toBe("one two");
  target.write("three");
  expect(text(await readOctets(client, 5))).toBe("three");
  expect([tunnel.bytesIn, tunnel.bytesOut]).toEqual([7, 5]);
});

describe("one end of a direction is not the end of the other", () => {
  test("the client ends first", async () => {
    const { client, target, ended, tunnel, lane } = await tunnelOf();
    client.end("question");
    expect(text(await readToEnd(target))).toBe("question");
    target.end("answer");
    expect(text(await readToEnd(client))).toBe("answer");
    expect(await ended).toEqual({ reason: "finished" });
    expect([tunnel.bytesIn, tunnel.bytesOut]).toEqual([8, 6]);
    expect(lane.size).toBe(0);
  });

  test("the target ends first", async () => {
    const { client, target, ended } = await tunnelOf();
    target.end("greeting");
    expect(text(await readToEnd(client))).toBe("greeting");
    client.end("a late word");
    expect(text(await readToEnd(target))).toBe("a late word");
    expect(await ended).toEqual({ reason: "finished" });
  });

  test("the client had ended before the tunnel was open", async () => {
    const [client, target] = [await connection(), await connection()];
    client.peer.end();
    client.ours.resume();
    await once(client.ours, "end");
    const lane = new DeadlineLane<LaneEntry>(1_000);
    const ended = new Promise<TunnelEnd>((onEnd) => {
      const early = Buffer.from("all I have");
      portableRelay.start({
        client: client.ours,
        target: target.ours,
        early,
        bucket: undefined,
        idleMs: 8_000,
        idleLane: lane,
        onEnd,
      });
    });
    expect(text(await readToEnd(target.peer))).toBe("all I have");
    target.peer.end("thanks");
    expect(text(await readToEnd(client.peer))).toBe("thanks");
    expect(await ended).toEqual({ reason: "finished" });
  });
});

describe("a reset is passed on as a reset, not as an end", () => {
  test.each(["client", "target"] as const)("of the %s", async (side) => {
    const setup = await tunnelOf();
    const [from, to] = side === "client" ? [setup.client, setup.target] : [setup.target, setup.client];
    to.resume();
    let sawEnd = false;
    to.on("end", () => (sawEnd = true));
    const error = new Promise<NodeJS.ErrnoException>((resolve) => to.on("error", resolve));
    from.resetAndDestroy();
    expect((await error).code).toBe("ECONNRESET");
    expect(sawEnd).toBe(false);
    expect(await setup.ended).toEqual({ reason: `${side}-reset`, code: "ECONNRESET" });
    expect(setup.lane.size).toBe(0);
  });

  test("but what was complete before arrives whole", async () => {
    const { client, target, ended } = await tunnelOf();
    const answer = Buffer.alloc(4_000_000, "a");
    target.end(answer);
    // The client has not read anything yet when the target aborts the other direction.
    await new Promise((resolve) => setTimeout(resolve, 100));
    target.resetAndDestroy();
    client.write("more");
    expect((await readToEnd(client)).length).toBe(answer.length);
    client.destroy();
    await ended;
  });
});

test("a slow reader costs bounded memory, and loses nothing", async () => {
  const { client, target, tunnel } = await tunnelOf();
  const total = 64 * 1024 * 1024;
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  const chunks = function* (): Iterable<Buffer> {
    for (let i = 0; i < total / 65_536; i++) {
      const chunk = Buffer.alloc(65_536, `chunk ${i} `);
      sent.update(chunk);
      yield chunk;
    }
  };
  Readable.from(chunks()).pipe(client);
  // Until nothing moves any more: every buffer on the way is full.
  for (let before = -1; before !== tunnel.bytesIn;) {
    before = tunnel.bytesIn;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(tunnel.bytesIn).toBeLessThan(total / 2);
  const relaySockets = sockets.filter((socket) => socket !== client && socket !== target);
  for (const socket of relaySockets) {
    expect(socket.writableLength).toBeLessThanOrEqual(65_536);
    expect(socket.readableLength).toBeLessThanOrEqual(2 * 65_536);
  }
  let received = 0;
  target.on("data", (data: Buffer) => {
    received += data.length;
    got.update(data);
  });
  await once(target, "end");
  expect([received, tunnel.bytesIn]).toEqual([total, total]);
  expect(got.digest("hex")).toBe(sent.digest("hex"));
});

test("a chunk's memory is given back when it was sent, and not before", async () => {
  const [client, target] = [await connection(), await connection()];
  const seen: { chunk: Buffer; length: number }[] = [];
  client.ours.on("data", (chunk: Buffer) => seen.push({ chunk, length: chunk.length }));
  const lane = new DeadlineLane<LaneEntry>(1_000);
  const ends = { client: client.ours, target: target.ours, bucket: undefined, idleMs: 8_000, idleLane: lane };
  const pool = Buffer.alloc(20_000, "p");
  portableRelay.start({ ...ends, early: pool.subarray(0, 10_000), onEnd: () => undefined });
  const body = Buffer.from(Array.from({ length: 30_000 }, (_, i) => i % 251));
  client.peer.write(body);
  const received = await readOctets(target.peer, 40_000);
  expect(Buffer.compare(received.subarray(10_000), body)).toBe(0);
  // What was read is gone; what was part of something else stays as it is.
  expect(seen.map(({ chunk }) => chunk.length)).toEqual(seen.map(({ length }) => (length < 4_096 ? length : 0)));
  expect(Math.max(...seen.map(({ length }) => length))).toBeGreaterThan(4_096);
  expect(pool.every((octet) => octet === 0x70)).toBe(true);
});

describe("idle tunnels", () => {
  test("end after their time, with a reset", async () => {
    const { client, ended, lane } = await tunnelOf({ idleMs: 80 });
    client.resume();
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.on("error", resolve));
    expect(await ended).toEqual({ reason: "idle" });
    expect((await error).code).toBe("ECONNRESET");
    expect(lane.size).toBe(0);
  });

  test("are not those that carry something in one direction only", async () => {
    const { client, target, ended } = await tunnelOf({ idleMs: 400 });
    target.resume();
    let isOver = false;
    void ended.then(() => (isOver = true));
    for (let i = 0; i < 20; i++) {
      client.write("x");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(isOver).toBe(false);
    expect(await ended).toEqual({ reason: "idle" });
  });
});

test.each(["client", "target"] as const)(
  "a %s that closes with neither an end nor an error, as TLS connections can, is a reset for the other side",
  async (side) => {
    const { client, target, ours, ended, lane } = await tunnelOf();
    const other = side === "client" ? target : client;
    const reset = once(other, "error");
    ours[side].destroy();
    other.resume();
    expect(await ended).toEqual({ reason: `${side}-reset` });
    expect(await reset).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
    expect(lane.size).toBe(0);
  },
);

test("aborting it ends both sides at once", async () => {
  const { client, target, tunnel, ended } = await tunnelOf();
  client.resume();
  target.resume();
  const closed = [client, target].map((socket) => new Promise((resolve) => socket.on("close", resolve)));
  tunnel.abort();
  expect(await ended).toEqual({ reason: "server-closed" });
  await Promise.all(closed);
});

describe("with a rate", () => {
  test("both directions together keep to it, and every byte arrives", async () => {
    const { client, target, ended } = await tunnelOf({ rate: 400_000, early: "e".repeat(1_000) });
    const started = performance.now();
    client.end(Buffer.alloc(199_000, "u"));
    target.end(Buffer.alloc(200_000, "d"));
    const [up, down] = await Promise.all([readToEnd(target, 10_000), readToEnd(client, 10_000)]);
    const elapsedMs = performance.now() - started;
    expect([up.length, down.length]).toEqual([200_000, 200_000]);
    expect(text(up.subarray(999, 1_001))).toBe("eu");
    expect(await ended).toEqual({ reason: "finished" });
    // 400,000 bytes at 400,000 bytes a second take a second, less the burst of two slices.
    expect(elapsedMs).toBeGreaterThan(850);
  });

  test("an end that waits behind data comes after it", async () => {
    const { client, target } = await tunnelOf({ rate: 20_000 });
    client.end("x".repeat(10_000));
    expect((await readToEnd(target, 10_000)).length).toBe(10_000);
  });

  test("a tunnel that ends in the middle leaves the others their share", async () => {
    const [a, b] = [await connection(), await connection()];
    const bucket = new RateBucket(50_000);
    const lane = new DeadlineLane<LaneEntry>(1_000);
    const start = (client: net.Socket, target: net.Socket) =>
      new Promise<TunnelEnd>((onEnd) => {
        portableRelay.start({ client, target, early: undefined, bucket, idleMs: 8_000, idleLane: lane, onEnd });
      });
    const [c, d] = [await connection(), await connection()];
    const ended = start(a.ours, b.ours);
    void start(c.ours, d.ours);
    b.peer.resume();
    a.peer.write(Buffer.alloc(1_000_000));
    c.peer.end(Buffer.alloc(20_000, "y"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    b.peer.resetAndDestroy();
    expect((await readToEnd(d.peer, 10_000)).length).toBe(20_000);
    expect(await ended).toMatchObject({ reason: "target-reset" });
  });
});

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type net from "node:net";
import { describe, expect, test } from "vitest";
import { concat, octets, readOctets } from "@sockskit/testing";
import {
  afterTest,
  connectRequest,
  connectRequest4,
  connectTo,
  converse,
  GREETING,
  openTunnel,
  pause,
  startEcho,
  startServer,
  until,
  refused,
} from "./server-support.ts";

/** Whether the server cuts a connection off without a word. */
async function isTurnedAway(port: number): Promise<boolean> {
  const client = await connectTo(port).catch(() => undefined);
  if (client === undefined) return true;
  client.write(octets("05 00"));
  const [event] = await Promise.race([
    once(client, "data").catch(() => [undefined]),
    new Promise<[undefined]>((resolve) => client.on("close", () => resolve([undefined]))),
  ]);
  return event === undefined;
}

describe("limits", () => {
  test("sessions over all listeners", async () => {
    const { port, server, log } = await startServer({ limits: { sessions: 2 }, listen: [{ port: 0 }, { port: 0 }] });
    const echo = await startEcho();
    const first = await openTunnel(port, echo.port);
    await openTunnel(server.addresses[1]?.port ?? 0, echo.port);
    expect(await isTurnedAway(port)).toBe(true);
    expect(server.stats).toMatchObject({ turnedAway: 1, sessions: 2 });
    expect(log.denied).toEqual([expect.objectContaining({ stage: "accept", code: "ERR_SOCKS_LIMIT" })]);
    first.destroy();
    await until(() => server.stats.sessions === 1, "a place is free");
    await openTunnel(port, echo.port);
  });

  test("sessions of one client, while others get theirs", async () => {
    const { port } = await startServer({ limits: { perClient: 1 } });
    const echo = await startEcho();
    await openTunnel(port, echo.port);
    expect(await isTurnedAway(port)).toBe(true);
    const other = await connectTo(port, "127.0.0.1", "127.0.0.2");
    other.write(concat(GREETING, connectRequest(echo.port)));
    expect((await readOctets(other, 12))[3]).toBe(0x00);
  });

  test("unfinished handshakes: the slowest goes, so that they keep nobody out", async () => {
    const { port, server, log } = await startServer({ limits: { handshakes: 5 } });
    const echo = await startEcho();
    const slow: net.Socket[] = [];
    for (let i = 0; i < 20; i++) {
      const client = await connectTo(port);
      client.write(octets("05"));
      client.resume();
      slow.push(client);
      if (i % 5 === 4) await openTunnel(port, echo.port);
    }
    await until(() => server.stats.evicted >= 15, "the slow ones go");
    expect(server.stats.tunnels).toBe(4);
    expect(server.stats.handshakes).toBeLessThanOrEqual(5);
    const evicted = (): number => log.closed.filter(({ reason }) => reason === "evicted").length;
    await until(() => evicted() === server.stats.evicted, "each has its event");
  });

  test("many at once: exactly so many go as there are too many", async () => {
    const { port, server } = await startServer({ limits: { handshakes: 3 } });
    await Promise.all(Array.from({ length: 10 }, () => connectTo(port)));
    await until(() => server.stats.evicted === 7, "seven are cut off");
    expect(server.stats).toMatchObject({ handshakes: 3, sessions: 3 });
  });
});

test("after a reload older handshakes still count", async () => {
  const { port, server, log } = await startServer({ limits: { handshakes: 1 } });
  await connectTo(port);
  await until(() => server.stats.handshakes === 1, "the first one is there");
  await server.reload({ listen: [{ port: 0 }], limits: { handshakes: 1 }, timeouts: { handshakeMs: 9_000 } });
  expect(await isTurnedAway(port)).toBe(true);
  expect(log.denied).toEqual([expect.objectContaining({ stage: "accept", code: "ERR_SOCKS_LIMIT" })]);
});

describe("deadlines", () => {
  test("the whole handshake, not the pause between two octets; without an answer", async () => {
    const { port, log } = await startServer({ timeouts: { handshakeMs: 300 } });
    const client = await connectTo(port);
    const started = performance.now();
    let received = 0;
    client.on("data", (data: Buffer) => (received += data.length));
    const drip = setInterval(() => client.write(octets("61")), 20);
    afterTest(() => clearInterval(drip));
    client.write(octets("04 01 00 50 7f 00 00 01"));
    await until(() => log.closed.length === 1, "the session is closed");
    expect(performance.now() - started).toBeGreaterThan(290);
    expect(received).toBe(0);
    expect(log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
  });

  test("to reach a destination that does not answer: REP 06, and 5b for SOCKS 4", async () => {
    const silent = await silentPort();
    const { port, log } = await startServer({ timeouts: { connectMs: 200 } });
    expect(await converse(port, GREETING, connectRequest(silent))).toBe(refused("06"));
    expect(await converse(port, connectRequest4(silent))).toBe("005b000000000000");
    await until(() => log.closed.length === 2, "the sessions are closed");
    expect(log.closed[0]).toMatchObject({ reason: "unreachable", rep: 0x06 });
  });

  test("a name that nobody answers for", async () => {
    const resolver = { resolve: () => new Promise<never>(() => undefined) };
    const { port } = await startServer({ timeouts: { connectMs: 150 }, outbound: { resolver } });
    expect(await converse(port, GREETING, octets("05 01 00 03 01 61 00 50"))).toBe(refused("06"));
  });

  test("idle tunnels", async () => {
    const { port, log } = await startServer({ timeouts: { idleMs: 150 } });
    const echo = await startEcho();
    const client = await openTunnel(port, echo.port);
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "idle" });
    await until(() => echo.sockets.size === 0, "the target is left");
  });
});

describe("what a client sends while it waits is bounded", () => {
  test("no more than is in the air is read while a name is looked up", async () => {
    const resolver = { resolve: () => new Promise<never>(() => undefined) };
    const { port } = await startServer({ timeouts: { connectMs: 600 }, outbound: { resolver } });
    const client = await connectTo(port);
    client.write(concat(GREETING, octets("05 01 00 03 01 61 00 50")));
    const before = process.memoryUsage().arrayBuffers;
    const chunk = Buffer.alloc(65_536);
    let taken = 0;
    const push = (): void => {
      while (client.write(chunk, () => (taken += chunk.length)));
    };
    client.on("drain", push);
    push();
    await pause(400);
    // The buffers of the system take a few megabytes; the server itself two reads at most.
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });
});

/** A port whose backlog is full and where nobody accepts: connecting to it hangs. */
async function silentPort(): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
     });`,
    { eval: true },
  );
  afterTest(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  await pause(150);
  const { connect } = await import("node:net");
  for (let i = 0; i < 4; i++) {
    const filler = connect(port, "127.0.0.1").on("error", () => undefined);
    afterTest(() => filler.destroy());
  }
  await pause(100);
  return port;
}

import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { certificatePair, listenTcp } from "@sockskit/testing";
import { expect, test } from "vitest";
import { resetSocket, runsOver } from "../../src/transport/reset.ts";

async function connected(): Promise<{ socket: net.Socket; peer: net.Socket; close: () => Promise<void> }> {
  const peers: net.Socket[] = [];
  const server = await listenTcp((socket) => peers.push(socket));
  const socket = net.connect({ port: server.port, host: server.host, allowHalfOpen: true });
  await once(socket, "connect");
  while (peers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return { socket, peer: peers[0] as net.Socket, close: server.close };
}

test("the other end sees a reset", async () => {
  const { socket, peer, close } = await connected();
  const reset = once(peer.resume(), "error");
  resetSocket(socket);
  await once(socket, "close");
  expect(await reset).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
  await close();
});

test.each([
  ["at once", () => Promise.resolve()],
  ["a moment later", () => new Promise((resolve) => process.nextTick(resolve))],
])("a connection that is just being ended closes as well, %s", async (_when, pause) => {
  const { socket, close } = await connected();
  const errors: unknown[] = [];
  socket.on("error", (error) => errors.push(error));
  socket.end();
  await pause();
  const closed = once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  resetSocket(socket);
  await closed;
  expect(errors).toEqual([]);
  await close();
});

test.each([
  ["at once", () => Promise.resolve()],
  ["a moment later", () => new Promise((resolve) => process.nextTick(resolve))],
])("TLS that is just being ended closes as well, and what it runs over, %s", async (_when, pause) => {
  const { socket, peer, close } = await connected();
  const errors: unknown[] = [];
  const client = tls.connect({ socket: peer, rejectUnauthorized: false }).on("error", () => undefined);
  const secured = new tls.TLSSocket(socket, { isServer: true, ...certificatePair("server") });
  runsOver(secured, socket);
  for (const each of [secured, socket]) each.on("error", (error) => errors.push(error));
  await once(client, "secureConnect");
  secured.end();
  await pause();
  expect({ ended: secured.writableEnded, finished: secured.writableFinished }).toEqual({
    ended: true,
    finished: false,
  });
  const closed = [secured, socket].map((each) => once(each, "close", { signal: AbortSignal.timeout(5_000) }));
  resetSocket(secured);
  await Promise.all(closed);
  expect(errors).toEqual([]);
  client.destroy();
  await close();
});

import { once } from "node:events";
import net, { type Socket } from "node:net";
import { authorityCertificate, certificatePair, listenTcp } from "@sockskit/testing";
import { expect, test } from "vitest";

import { tlsSettings } from "../../src/chain/tls-options.ts";
import { openSslClient, openSslServer } from "../../src/layer/ssl-layer.ts";

test("TLS inside SOCKS that is just being ended closes when it is reset, and what it runs over", async () => {
  const layers: Promise<{ readonly socket: Socket }>[] = [];
  const server = await listenTcp((socket) => layers.push(openSslServer(socket, certificatePair("server"))));
  const below = net.connect({ port: server.port, host: server.host, allowHalfOpen: true });
  await once(below, "connect");
  const errors: unknown[] = [];
  const closed = once(below, "close", { signal: AbortSignal.timeout(5_000) });
  const { socket } = await openSslClient(below, "localhost", tlsSettings({ ca: authorityCertificate() }));
  const peer = (await layers[0])?.socket.on("error", () => undefined).resume();
  for (const each of [socket, below]) each.on("error", (error: unknown) => errors.push(error));
  const end = below.end.bind(below);
  below.end = (done?: unknown) => {
    end(done as () => void);
    expect(below.writableFinished).toBe(false);
    socket.resetAndDestroy();
    return below;
  };
  socket.end();
  await closed;
  expect(errors).toEqual([]);
  peer?.destroy();
  await server.close();
});

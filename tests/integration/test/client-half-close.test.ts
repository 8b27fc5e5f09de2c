// The client's sockets end like those of net.connect, whatever they run over.
import { once } from "node:events";
import type net from "node:net";
import { connect, type ConnectOptions } from "@sockskit/client";
import { authorityCertificate, certificatePair } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { startServer, startTarget, until } from "./server-support.ts";
import { SERVER_TLS } from "./transport-support.ts";

const ca = authorityCertificate();
const SSL = { authMethods: ["ssl" as const], ssl: { ...certificatePair("server"), authMethods: ["none" as const] } };
/** More than what is on the way keeps for a reader that does not read. */
const UPLOAD = 8 * 1024 * 1024;

/** A way to a target, by what it runs over. */
async function wayOver(what: string): Promise<Omit<ConnectOptions, "target">> {
  const chain: string[] = [];
  for (const one of what.split(" in ").toReversed()) {
    const listen = [{ port: 0, ...(one.startsWith("TLS") && { tls: SERVER_TLS }) }];
    const { port } = await startServer({ listen, ...(one.startsWith("SSL") && SSL) });
    chain.push(`${one.startsWith("TLS") ? "socks5h+tls" : "socks5h"}://localhost:${port}`);
  }
  return {
    chain,
    ...(what.includes("TLS") && { tls: { ca } }),
    ...(what.includes("SSL") && { proxyAuth: { methods: ["none", "ssl"], ssl: { ca } } }),
  };
}

describe.each(["SOCKS", "TLS", "SSL", "TLS in TLS", "SSL in TLS", "TLS in SSL", "SSL in SSL"])("over %s", (what) => {
  test("what was written goes out whole when the target ends first", async () => {
    let received = 0;
    const peers: net.Socket[] = [];
    const target = await startTarget((socket) => {
      peers.push(socket.pause());
      socket.end("bye");
    });
    const socket = await connect({ ...(await wayOver(what)), target: `127.0.0.1:${target.port}` });
    const pieces = 64;
    for (let i = 0; i < pieces; i++) socket.write(Buffer.alloc(UPLOAD / pieces));
    socket.resume();
    await once(socket, "end");
    // Whoever ends too much has done so by then.
    await new Promise(setImmediate);
    const peer = peers[0] as net.Socket;
    peer.on("data", (chunk: Buffer) => (received += chunk.length)).resume();
    await Promise.all([once(peer, "end"), once(socket, "close")]);
    expect(received).toBe(UPLOAD);
  }, 15_000);

  test("allowHalfOpen keeps the other direction open", async () => {
    let said = "";
    const target = await startTarget((peer) => {
      peer.end("bye");
      peer.on("data", (chunk: Buffer) => (said += String(chunk)));
    });
    const way = { ...(await wayOver(what)), allowHalfOpen: true };
    const socket = await connect({ ...way, target: `127.0.0.1:${target.port}` });
    socket.resume();
    await once(socket, "end");
    socket.end("more");
    await once(socket, "close");
    await until(() => said === "more", "the rest has come");
  });
});

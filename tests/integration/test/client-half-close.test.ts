// The client's sockets end like those of net.connect, whatever they run over.
import { once } from "node:events";
import type net from "node:net";
import { connect, type ConnectOptions } from "@sockskit/client";
import { authorityCertificate, certificatePair } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { startServer, startTarget } from "./server-support.ts";
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
  const methods = what.includes("SSL") ? (["none", "ssl"] as const) : (["none"] as const);
  return { chain, ...(what.includes("TLS") && { tls: { ca } }), proxyAuth: { methods, ssl: { ca } } };
}

describe.each(["SOCKS", "TLS", "SSL", "TLS in TLS", "SSL in TLS", "TLS in SSL", "SSL in SSL"])("over %s", (what) => {
  test("what was written goes out whole when the target ends first", async () => {
    let received = 0;
    const accepted = Promise.withResolvers<net.Socket>();
    const target = await startTarget((socket: net.Socket) => {
      socket.pause();
      socket.end("bye");
      accepted.resolve(socket);
    });
    const socket = await connect({ ...(await wayOver(what)), target: `127.0.0.1:${target.port}` });
    const peer = await accepted.promise;
    const pieces = 64;
    for (let i = 0; i < pieces; i++) socket.write(Buffer.alloc(UPLOAD / pieces));
    socket.resume();
    await once(socket, "end");
    // Whoever ends too much has done so by then.
    await new Promise(setImmediate);
    peer.on("data", (chunk: Buffer) => (received += chunk.length)).resume();
    await Promise.all([once(peer, "end"), once(socket, "close")]);
    expect(received).toBe(UPLOAD);
  }, 15_000);

  test("allowHalfOpen keeps the other direction open", async () => {
    const target = await startTarget((peer) => {
      peer.write("bye");
      peer.end();
      peer.on("data", (chunk: Buffer) => said.resolve(String(chunk)));
    });
    const said = Promise.withResolvers<string>();
    const way = { ...(await wayOver(what)), allowHalfOpen: true };
    const socket = await connect({ ...way, target: `127.0.0.1:${target.port}` });
    socket.resume();
    await once(socket, "end");
    socket.end("more");
    expect(await said.promise).toBe("more");
    if (!socket.closed) await once(socket, "close");
  });
});

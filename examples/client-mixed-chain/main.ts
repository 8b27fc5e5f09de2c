/**
 * A connection through an HTTP proxy, a SOCKS 5 proxy that wants TLS, and a SOCKS 4A proxy.
 *
 * It starts the proxies and a target of its own, checks what comes of them, and ends with status 0. The certificates in
 * this folder are for trying things out: their keys are public.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";

import { connect, isSocksError, type ProgressEvent } from "@sockskit/client";
import { createServer } from "@sockskit/server";

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

const echo = createTcpServer((socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
await once(echo, "listening");
const target = `localhost:${(echo.address() as AddressInfo).port}`;

// An HTTP proxy in a few lines: CONNECT for one user.
const httpProxy = createHttpServer().listen(0, "127.0.0.1");
const account = `Basic ${Buffer.from("alice:s3cret").toString("base64")}`;
httpProxy.on("connect", ({ url = "", headers }, client: Socket) => {
  if (headers["proxy-authorization"] !== account) {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="example"\r\n\r\n');
    return;
  }
  const [host = "", port = ""] = url.split(":");
  const next = connectTcp(Number(port), host, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
  client.on("error", () => next.destroy());
  next.on("error", () => client.destroy());
  client.pipe(next).pipe(client);
});
await once(httpProxy, "listening");
const httpPort = (httpProxy.address() as AddressInfo).port;

const certificate = { cert: file("proxy.pem"), key: file("proxy.key.pem") };
const secure = createServer({ listen: [{ port: 0, versions: [5], tls: { certificates: [certificate] } }] });
const plain = createServer({ listen: [{ port: 0, versions: [4] }] });
const [[secureAt], [plainAt]] = await Promise.all([secure.listen(), plain.listen()]);
assert.ok(secureAt && plainAt);

const chain = [
  `http://alice:s3cret@127.0.0.1:${httpPort}`,
  `socks5h+tls://localhost:${secureAt.port}`, // its certificate must be for "localhost"
  `socks4a://127.0.0.1:${plainAt.port}`, // and this one resolves the name of the target
];
const events: ProgressEvent[] = [];
// Whom to trust: without it, the authorities that Node trusts.
const tls = { ca: file("authority.pem") };
const socket = await connect({ chain, target, tls, onProgress: (event) => events.push(event) });
socket.write("through HTTP and TLS");
const [answer] = (await once(socket, "data")) as [Buffer];
assert.equal(answer.toString(), "through HTTP and TLS");
socket.end();
await once(socket.resume(), "close");
for (const { elapsedMs, step, hop } of events) console.log(`${elapsedMs.toFixed(1)} ms ${step} ${hop?.proxy}`);
assert.deepEqual(
  events.map(({ step }) => step),
  [
    "dialling",
    "connected",
    "http-answer",
    "established",
    "secured",
    "method-selected",
    "authenticated",
    "established",
    "established",
  ],
);

// What is wrong is told apart: a password, and a certificate.
const wrong = connect({ chain: chain.map((url) => url.replace("s3cret", "guess")), target, tls });
await assert.rejects(wrong, (error) => isSocksError(error) && error.code === "ERR_SOCKS_AUTH_REJECTED");
await assert.rejects(connect({ chain, target }), (error) => {
  assert.ok(isSocksError(error));
  console.log(error.message);
  return error.code === "ERR_SOCKS_TLS_UNTRUSTED" && error.hop?.index === 1;
});

await Promise.all([secure.close(), plain.close()]);
httpProxy.close();
echo.close();

/**
 * A connection through a SOCKS proxy, and what each failure looks like.
 *
 * It starts a proxy and a web site of its own, checks what comes of them, and ends with status 0.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { connect, connectionInfo, isSocksError, type SocksError } from "@sockskit/client";
import { createServer } from "@sockskit/server";

const site = http.createServer((_request, response) => response.end("hello\n")).listen(0, "127.0.0.1");
await once(site, "listening");
const target = `localhost:${(site.address() as AddressInfo).port}`;

const server = createServer({
  listen: [{ port: 0 }],
  credentials: [{ name: "alice", password: { plain: "correct horse" } }],
  timeouts: { loginFailureMs: 0 },
});
const [listening] = await server.listen();
assert.ok(listening);
const proxy = `socks5h://alice:correct%20horse@127.0.0.1:${listening.port}`;

// The socket is one of node:net: use it like any other.
const socket = await connect({ proxy, target, timeoutMs: 5000 });
socket.write("GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n");
assert.match(await text(socket), /^HTTP\/1\.1 200 OK\r\n[^]*hello\n/);
assert.deepEqual(connectionInfo(socket)?.proxies, [proxy.replace("correct%20horse", "***")]);
console.log(`reached ${target} through ${connectionInfo(socket)?.proxies.join()}`);

// A destination that refuses, a proxy that refuses, a proxy that is down: each has its code and its stage.
const refused = await failure({ proxy, target: "127.0.0.1:1" });
assert.deepEqual([refused.code, refused.stage, refused.reply], ["ERR_SOCKS_REQUEST_REFUSED", "request", 0x05]);

const rejected = await failure({ proxy: proxy.replace("correct", "wrong"), target });
assert.deepEqual([rejected.code, rejected.stage], ["ERR_SOCKS_AUTH_REJECTED", "authenticate"]);

const aborted = await failure({ proxy, target, signal: AbortSignal.abort() });
assert.equal(aborted.code, "ERR_SOCKS_ABORTED");

await server.close();
const down = await failure({ proxy, target });
assert.deepEqual([down.code, down.stage], ["ERR_SOCKS_PROXY_UNREACHABLE", "dial-proxy"]);
site.close();

async function failure(options: Parameters<typeof connect>[0]): Promise<SocksError> {
  try {
    await connect(options);
  } catch (error) {
    if (!isSocksError(error)) throw error;
    console.log(`${error.code}: ${error.message}`);
    return error;
  }
  throw new assert.AssertionError({ message: "expected a failure" });
}

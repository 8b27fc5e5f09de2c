/**
 * A SOCKS server inside a program: users, a rule, events.
 *
 * It serves one client, checks what came of it, and ends with status 0.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { connect, isSocksError } from "@sockskit/client";
import { createServer } from "@sockskit/server";

// Something to reach through the proxy.
const site = http.createServer((_request, response) => response.end("hello\n")).listen(0, "127.0.0.1");
await once(site, "listening");
const { port } = site.address() as AddressInfo;

const server = createServer({
  listen: [{ port: 0 }],
  credentials: [{ name: "alice", password: { plain: "correct horse" }, groups: ["staff"] }],
  rules: [{ action: "allow", groups: ["staff"], to: ["127.0.0.1"], ports: [port] }],
});
const seen: string[] = [];
server.on("connected", ({ user, destination }) => seen.push(`${user} reached ${destination.host}`));
server.on("denied", ({ code, rep }) => seen.push(`${code} ${rep}`));
const [listening] = await server.listen();
assert.ok(listening);

const proxy = `socks5h://alice:correct%20horse@127.0.0.1:${listening.port}`;
const socket = await connect({ proxy, target: `127.0.0.1:${port}` });
socket.write("GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n");
assert.match(await text(socket), /^HTTP\/1\.1 200 OK\r\n[^]*hello\n/);

await assert.rejects(
  connect({ proxy, target: "127.0.0.1:1" }),
  (error) => isSocksError(error) && error.code === "ERR_SOCKS_REQUEST_REFUSED" && error.reply === 0x02,
);

assert.deepEqual(seen, ["alice reached 127.0.0.1", "ERR_SOCKS_DENIED 2"]);
await server.close();
site.close();
console.log(seen.join("\n"));

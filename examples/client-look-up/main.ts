/**
 * What Tor adds to SOCKS: look-ups by the proxy, and data that is sent before its answer; and what can go wrong.
 *
 * It starts a proxy and a target of its own, checks what comes of them, and ends with status 0. With Tor as the proxy
 * the calls are the same: `socks5h://127.0.0.1:9050`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";

import { connect, isSocksError, resolve, resolvePtr } from "@sockskit/client";
import { createServer } from "@sockskit/server";

const target = net.createServer((socket) => socket.resume().end("you came by another way"));
target.listen(0, "127.0.0.1");
await once(target, "listening");
const { port } = target.address() as net.AddressInfo;

// Look-ups are answered only where a rule names them, and only with addresses that the rules let through.
const server = createServer({
  listen: [{ port: 0 }],
  rules: [
    { action: "deny", to: ["private"] },
    { action: "allow", commands: ["connect", "resolve", "resolve-ptr"] },
  ],
});
const [listening] = await server.listen();
assert.ok(listening);
const proxy = `socks5h://127.0.0.1:${listening.port}`;

const address = await resolve({ proxy, name: "localhost" });
assert.equal(address.host, "127.0.0.1");
assert.equal(await resolvePtr({ proxy, address }), "localhost");
console.log(`the proxy says that localhost is ${address.host}`);

await assert.rejects(resolve({ proxy, name: "10.0.0.1" }), (error) => {
  assert.ok(isSocksError(error));
  assert.deepEqual([error.code, error.reply], ["ERR_SOCKS_REQUEST_REFUSED", 0x02]);
  console.log(error.message);
  return true;
});

// The greeting travels with the request. The target need not wait for it, and answers as always.
const socket = await connect({ proxy, target: { host: "localhost", port }, earlyData: "hello" });
const chunks: Buffer[] = [];
for await (const chunk of socket) chunks.push(chunk as Buffer);
assert.equal(Buffer.concat(chunks).toString(), "you came by another way");

// When the call fails, the data may be gone: the error says so.
target.close();
await assert.rejects(connect({ proxy, target: { host: "localhost", port }, earlyData: "hello" }), (error) => {
  assert.ok(isSocksError(error));
  assert.equal(error.earlyOctetsSent, 5);
  console.log(error.message);
  return true;
});
await server.close();

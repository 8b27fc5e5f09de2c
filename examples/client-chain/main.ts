/**
 * A connection through three proxies of three versions, watched step by step.
 *
 * It starts the proxies and a target of its own, checks what comes of them, and ends with status 0.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";

import { connect, type ProgressEvent } from "@sockskit/client";
import { createServer, type SocksServer } from "@sockskit/server";

const echo = createTcpServer((socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
await once(echo, "listening");

const servers: SocksServer[] = [];
const ports: number[] = [];
for (const versions of [[4], [5], [4, 5]] as const) {
  const server = createServer({ listen: [{ port: 0, versions }] });
  const [listening] = await server.listen();
  assert.ok(listening);
  servers.push(server);
  ports.push(listening.port);
}

// The nearest first. Each scheme decides who looks up the name of what comes next.
const chain = [
  `socks4a://127.0.0.1:${ports[0]}`, // the first proxy resolves "localhost" of the second
  `socks5h://localhost:${ports[1]}`, // the second is given an address
  `socks4://127.0.0.1:${ports[2]}`, // the target's name is looked up here
];
const events: ProgressEvent[] = [];
const socket = await connect({
  chain,
  target: `localhost:${(echo.address() as AddressInfo).port}`,
  onProgress: (event) => events.push(event),
});
socket.write("through three proxies");
const [answer] = (await once(socket, "data")) as [Buffer];
assert.equal(answer.toString(), "through three proxies");
socket.end();
await once(socket.resume(), "close");

const steps = events.map(({ step, hop }) => `${step} ${hop?.proxy}`);
assert.deepEqual(steps, [
  `resolved ${chain[2]}`,
  `dialling ${chain[0]}`,
  `connected ${chain[0]}`,
  `established ${chain[0]}`,
  `method-selected ${chain[1]}`,
  `authenticated ${chain[1]}`,
  `established ${chain[1]}`,
  `established ${chain[2]}`,
]);
for (const { elapsedMs, step, hop } of events) console.log(`${elapsedMs.toFixed(1)} ms ${step} ${hop?.proxy}`);

await Promise.all(servers.map((server) => server.close()));
echo.close();

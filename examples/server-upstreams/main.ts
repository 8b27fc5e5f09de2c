// A server that sends some sessions by other proxies, and goes on by the second when the first is down.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { connect } from "@sockskit/client";
import { createServer } from "@sockskit/server";

// Something to reach, and the two gateways of a company.
const site = http.createServer((_request, response) => response.end("hello\n")).listen(0, "127.0.0.1");
await once(site, "listening");
const { port } = site.address() as AddressInfo;

const credentials = [{ name: "gw", password: { plain: "gateway secret" } }];
const gateways = [
  createServer({ listen: [{ port: 0 }], credentials }),
  createServer({ listen: [{ port: 0 }], credentials }),
];
const urls: string[] = [];
for (const gateway of gateways) {
  const [listening] = await gateway.listen();
  urls.push(`socks5h://gw:gateway%20secret@127.0.0.1:${listening?.port}`);
}

const server = createServer({
  listen: [{ port: 0 }],
  upstreams: { office: urls.map((url) => [url]) },
  rules: [{ action: "allow", ports: [port], via: "office" }, { action: "allow" }],
});
const seen: string[] = [];
server.on("connected", ({ via }) => seen.push(`by alternative ${via?.alternative} of ${via?.upstream}`));
server.on("upstream", ({ state, alternative, retryMs }) =>
  seen.push(`${alternative} is put ${state} for ${retryMs} ms`),
);
const [listening] = await server.listen();
assert.ok(listening);

async function fetchPage(): Promise<void> {
  const proxy = `socks5h://127.0.0.1:${listening?.port}`;
  const socket = await connect({ proxy, target: `127.0.0.1:${port}` });
  socket.write("GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n");
  assert.match(await text(socket), /\r\n\r\n[^]*hello\n/);
}

await fetchPage();
await gateways[0]?.close();
await fetchPage();
await fetchPage();

assert.deepEqual(seen, [
  "by alternative 0 of office",
  "0 is put aside for 5000 ms",
  "by alternative 1 of office",
  "by alternative 1 of office",
]);
await server.close();
await gateways[1]?.close();
site.close();
console.log(seen.join("\n"));

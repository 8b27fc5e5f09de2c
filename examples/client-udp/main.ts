/**
 * Datagrams through a SOCKS proxy: a question to a name server and its answer, and what can go wrong.
 *
 * It starts a proxy and a name server of its own, checks what comes of them, and ends with status 0.
 */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";

import { createUdpSocket, isSocksError, type UdpSocket } from "@sockskit/client";
import { createServer } from "@sockskit/server";

// A name server that knows one address: its answer is the question, marked as an answer, with 192.0.2.80 behind it.
const ANSWER = Buffer.from("c00c000100010000003c0004c0000250", "hex");
const nameServer = dgram.createSocket("udp4");
nameServer.on("message", (question, { address, port }) => {
  const answer = Buffer.concat([question, ANSWER]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  nameServer.send(answer, port, address);
});
nameServer.bind(0, "127.0.0.1");
await once(nameServer, "listening");
const target = { host: "localhost", port: nameServer.address().port };

const server = createServer({ listen: [{ port: 0 }] });
const [listening] = await server.listen();
assert.ok(listening);

const socket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${listening.port}`, timeoutMs: 5000 });
assert.equal(await lookUp(socket, "example.com"), "192.0.2.80");
console.log(`example.com is 192.0.2.80, says the name server at ${target.host}:${target.port}`);

// What does not fit into a datagram is refused before it is sent.
await assert.rejects(socket.send(Buffer.alloc(65_500), target), { code: "ERR_SOCKS_OVERFLOW" });

// The proxy goes away. That is no error event: the end comes with its reason.
const closed = once(socket, "close");
await server.close();
const [reason] = await closed;
assert.ok(isSocksError(reason));
assert.deepEqual([reason.code, reason.stage], ["ERR_SOCKS_PROXY_CLOSED", "relay"]);
console.log(reason.message);
nameServer.close();

/** Asks for the IPv4 address of a name. A datagram may get lost, so it is sent again until an answer comes. */
async function lookUp(through: UdpSocket, name: string): Promise<string> {
  const id = 0x1234;
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  const head = Buffer.from([id >> 8, id & 0xff, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
  const question = Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
  for (let tries = 0; tries < 3; tries++) {
    const answer = once(through, "message", { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await through.send(question, target);
    const [data] = ((await answer) ?? []) as [Buffer?];
    if (data?.readUInt16BE(0) === id) return [...data.subarray(-4)].join(".");
  }
  throw new assert.AssertionError({ message: "the name server did not answer" });
}

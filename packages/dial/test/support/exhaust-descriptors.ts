// Run with a low `ulimit -n`: dials until no descriptor is left, and says what became of it.
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";

import { listenTcp } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";

import { dialAddress, type SocksError } from "../../src/index.ts";

const server = await listenTcp(() => undefined, { pauseOnConnect: true });
const destination = parseAddress(server.host, server.port);
const before = readdirSync("/dev/fd").length;
const sockets: Socket[] = [];
let error: SocksError | undefined;
while (error === undefined) {
  try {
    sockets.push((await dialAddress({ destination })).socket);
  } catch (reason) {
    error = reason as SocksError;
  }
}
for (const socket of sockets) socket.destroy();
await new Promise((resolve) => setTimeout(resolve, 50));
for (const socket of server.sockets) socket.destroy();
await new Promise((resolve) => setTimeout(resolve, 50));
const released = readdirSync("/dev/fd").length === before;
const { socket } = await dialAddress({ destination });
socket.destroy();
await server.close();
const { code, cause, message } = error;
const report = {
  code,
  cause: (cause as NodeJS.ErrnoException).code,
  explained: message.includes("too many open files"),
  released,
  works: true,
};
console.log(JSON.stringify(report));

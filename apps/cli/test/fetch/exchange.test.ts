import { once } from "node:events";
import net, { type Socket } from "node:net";

import { type LoopbackServer, listenTcp } from "@sockskit/testing";
import { afterEach, expect, test } from "vitest";

import { exchange } from "../../src/fetch/exchange.ts";

const servers: LoopbackServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function connection(reply: string): Promise<Socket> {
  const server = await listenTcp((socket) => socket.once("data", () => socket.write(reply)));
  servers.push(server);
  const socket = net.connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

const request = { method: "GET", url: new URL("http://server.example/"), headers: [], body: undefined };
const silence = { code: "ERR_SOCKS_TUNNEL_BROKEN", message: "server.example has sent nothing for 0.05 s" };

test("a destination that never answers is given up", async () => {
  const socket = await connection("");
  await expect(exchange(socket, request, 50)).rejects.toMatchObject(silence);
  expect(socket.destroyed).toBe(true);
});

test("a destination that stops in the middle of the body is given up", async () => {
  const socket = await connection("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  const response = await exchange(socket, request, 50);
  let body = "";
  const read = async (): Promise<void> => {
    for await (const part of response) body += String(part);
  };
  await expect(read()).rejects.toMatchObject(silence);
  expect(body).toBe("half");
  expect(socket.destroyed).toBe(true);
});

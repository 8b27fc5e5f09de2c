import { once } from "node:events";
import { open } from "node:fs/promises";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { listenEcho, listenScript, listenTcp, octets, openDescriptors, readOctets, readToEnd } from "../src/index.ts";

function dial(port: number): net.Socket {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

test("reads exactly what is asked for and leaves the rest", async () => {
  const server = await listenEcho();
  onTestFinished(server.close);
  const socket = dial(server.port);
  socket.end("abcdef");
  expect(await readOctets(socket, 2)).toEqual(octets("61 62"));
  expect(await readOctets(socket, 3)).toEqual(octets("63 64 65"));
  expect(await readToEnd(socket)).toEqual(octets("66"));
  expect(await readToEnd(socket)).toEqual(octets(""));
});

test("says so when octets do not come, or the stream ends before them", async () => {
  const server = await listenEcho();
  onTestFinished(server.close);
  const socket = dial(server.port);
  socket.write("a");
  await expect(readOctets(socket, 2, 50)).rejects.toThrow(/1 of 2 octets did not arrive within 50 ms/);
  socket.end();
  await expect(readOctets(socket, 2)).rejects.toThrow(/early/);
});

test("plays a script and reports a peer that departs from it", async () => {
  const steps = [{ receive: octets("05 01 00"), send: octets("05 00") }];
  const server = await listenScript(steps);
  onTestFinished(server.close);
  const good = dial(server.port);
  good.write(octets("05 01 00"));
  expect(await readToEnd(good)).toEqual(octets("05 00"));
  expect(server.received).toEqual([octets("05 01 00")]);
  expect(server.problems).toEqual([]);

  const bad = dial(server.port);
  bad.write(octets("05 01 02"));
  await expect.poll(() => server.problems.length).toBe(1);
});

test("a script can end with a reset", async () => {
  const server = await listenScript([{ receive: octets("04") }], "reset");
  onTestFinished(server.close);
  const socket = dial(server.port);
  socket.write(octets("04"));
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNRESET");
});

test("closing a server destroys its connections", async () => {
  const server = await listenTcp(() => undefined);
  const socket = dial(server.port);
  socket.resume();
  await expect.poll(() => server.sockets.size).toBe(1);
  const closed = once(socket, "close");
  socket.end();
  await server.close();
  await closed;
  await server.close();
  expect(server.sockets.size).toBe(0);
});

test.runIf(process.platform === "linux")("counts open descriptors", async () => {
  const before = openDescriptors() as number;
  const file = await open("/dev/null");
  expect(openDescriptors()).toBe(before + 1);
  await file.close();
  expect(openDescriptors()).toBe(before);
  expect(() => openDescriptors(2 ** 30)).toThrow();
});

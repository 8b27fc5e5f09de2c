// The client's UDP socket at the real server.
import { once } from "node:events";
import { expect, test } from "vitest";
import {
  createUdpSocket,
  type CreateUdpSocketOptions,
  isSocksError,
  type SocksError,
  type UdpSocket,
} from "@sockskit/client";
import type { ServerOptions } from "@sockskit/server";
import { type Address, formatAddress } from "@sockskit/wire";
import { afterTest, startServer, until } from "./server-support.ts";
import { openUdp, openUdpEcho, resolverOf } from "./udp-support.ts";

async function openSocket(
  serverOptions: ServerOptions = {},
  options: CreateUdpSocketOptions = {},
  scheme = "socks5h",
): Promise<{ readonly socket: UdpSocket; readonly running: Awaited<ReturnType<typeof startServer>> }> {
  const running = await startServer(serverOptions);
  const proxy = `${scheme}://127.0.0.1:${running.port}`;
  const socket = await createUdpSocket({ proxy, timeoutMs: 5000, ...options });
  afterTest(() => socket.close());
  return { socket, running };
}

/** Sends, and waits for the next datagram. */
async function exchange(socket: UdpSocket, data: Uint8Array | string, target: string): Promise<[Buffer, string]> {
  const message = once(socket, "message", { signal: AbortSignal.timeout(5000) });
  await socket.send(data, target);
  const [answer, source] = (await message) as [Buffer, Address];
  return [answer, formatAddress(source)];
}

test("IPv4, IPv6 and a name, on one association", async () => {
  const resolver = resolverOf({ "echo.example": ["127.0.0.1"] });
  const { socket } = await openSocket({ outbound: { resolver } });
  const echo4 = await openUdpEcho();
  const echo6 = await openUdpEcho("::1");
  expect(await exchange(socket, "four", `127.0.0.1:${echo4.port}`)).toEqual([
    Buffer.from("four"),
    `127.0.0.1:${echo4.port}`,
  ]);
  expect(await exchange(socket, "six", `[::1]:${echo6.port}`)).toEqual([Buffer.from("six"), `[::1]:${echo6.port}`]);
  const [named] = await exchange(socket, "name", `echo.example:${echo4.port}`);
  expect(named.toString()).toBe("name");
  expect(await exchange(socket, "", `127.0.0.1:${echo4.port}`)).toEqual([Buffer.alloc(0), `127.0.0.1:${echo4.port}`]);
  expect(socket.droppedCount).toBe(0);
});

test("names are looked up on this side when the scheme says so", async () => {
  const here = resolverOf({ "echo.example": ["127.0.0.1"] });
  const there = resolverOf({});
  const { socket } = await openSocket({ outbound: { resolver: there } }, { resolver: here }, "socks5");
  const echo = await openUdpEcho();
  const [answer] = await exchange(socket, "hello", `echo.example:${echo.port}`);
  expect(answer.toString()).toBe("hello");
  expect(here.asked).toEqual(["echo.example"]);
  expect(there.asked).toEqual([]);
});

test("the largest datagram, both ways", async () => {
  const { socket } = await openSocket();
  const echo = await openUdpEcho();
  const data = Buffer.alloc(65_507 - 10, 0x61);
  const [answer] = await exchange(socket, data, `127.0.0.1:${echo.port}`);
  expect(answer.equals(data)).toBe(true);
});

test("fragments are put together by the server", async () => {
  const { socket } = await openSocket({}, { fragmentOctets: 400 });
  const echo = await openUdpEcho();
  const data = Buffer.alloc(5000, 0x62);
  const [answer] = await exchange(socket, data, `127.0.0.1:${echo.port}`);
  expect(answer.equals(data)).toBe(true);
});

test("a thousand datagrams, each answered", async () => {
  const { socket } = await openSocket();
  const echo = await openUdpEcho();
  const received = new Set<string>();
  socket.on("message", (data) => received.add(data.toString()));
  for (let round = 0; round < 100; round++) {
    const part = Array.from({ length: 10 }, (_, index) => `${round}.${index}`);
    await Promise.all(part.map((data) => socket.send(data, `127.0.0.1:${echo.port}`)));
    await until(() => part.every((data) => received.has(data)), "the answers are there");
  }
  expect(received.size).toBe(1000);
});

test("nothing comes from where nothing was sent to", async () => {
  const { socket } = await openSocket();
  const echo = await openUdp();
  const messages: Buffer[] = [];
  socket.on("message", (data) => messages.push(data));
  await socket.send("x", `127.0.0.1:${echo.port}`);
  await echo.next();
  const stranger = await openUdp();
  const relayed = echo.received[0]?.from.port ?? 0;
  stranger.send("forged", relayed);
  echo.send("real", relayed);
  await until(() => messages.length > 0, "the answer is there");
  expect(messages.map(String)).toEqual(["real"]);
});

test("with a password", async () => {
  const credentials = [{ name: "alice", password: { plain: "open sesame" } }];
  const running = await startServer({ credentials });
  const echo = await openUdpEcho();
  const socket = await createUdpSocket({ proxy: `socks5h://alice:open%20sesame@127.0.0.1:${running.port}` });
  afterTest(() => socket.close());
  expect((await exchange(socket, "hi", `127.0.0.1:${echo.port}`))[0].toString()).toBe("hi");
  const error: unknown = await createUdpSocket({ proxy: `socks5h://alice:wrong@127.0.0.1:${running.port}` }).catch(
    (reason: unknown) => reason,
  );
  expect(isSocksError(error) && error.code).toBe("ERR_SOCKS_AUTH_REJECTED");
});

test("a rule that forbids it", async () => {
  const error: unknown = await openSocket({ rules: [{ action: "allow", commands: ["connect"] }] }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: 0x02 });
});

test("the server finds it idle: close tells why", async () => {
  const { socket } = await openSocket({ timeouts: { udpMs: 200 } });
  const [reason] = (await once(socket, "close", { signal: AbortSignal.timeout(5000) })) as [SocksError];
  expect(reason).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "relay" });
  expect(reason.message).toContain("perhaps because it was idle");
});

test("closing frees the relay of the server", async () => {
  const { socket, running } = await openSocket();
  socket.close();
  await until(() => running.log.closed.length === 1, "the session is over");
});

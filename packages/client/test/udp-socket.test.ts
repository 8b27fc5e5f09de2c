import { once } from "node:events";

import { checkNoSecrets, hex, listenScript, listenUdpRelay, octets, type UdpRelay } from "@sockskit/testing";
import { formatAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import {
  createUdpSocket,
  type CreateUdpSocketOptions,
  isSocksError,
  type SocksError,
  type UdpSocket,
} from "../src/index.ts";

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function talk(
  options: Partial<CreateUdpSocketOptions> = {},
): Promise<{ readonly relay: UdpRelay; readonly socket: UdpSocket }> {
  const relay = await listenUdpRelay({ echo: true });
  open.push(relay);
  const socket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${relay.port}`, ...options });
  open.push(socket);
  return { relay, socket };
}

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isSocksError(error)).toBe(true);
  return error as SocksError;
}

test.each([
  ["text with a port", "192.0.2.7:7", "00 00 00 01 c0 00 02 07 00 07 68 69"],
  ["IPv6 in brackets", "[2001:db8::7]:7", "00 00 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07 00 07 68 69"],
  ["host and port", { host: "ns.test", port: 53 }, "00 00 00 03 07 6e 73 2e 74 65 73 74 00 35 68 69"],
])("a target may be %s", async (_, target, datagram) => {
  const { relay, socket } = await talk();
  await socket.send("hi", target);
  const [data] = await once(socket, "message");
  expect(String(data)).toBe("hi");
  expect(hex(await relay.datagram(0))).toBe(datagram);
});

test("a message has its data and its source", async () => {
  const { socket } = await talk();
  const message = once(socket, "message");
  await socket.send(Buffer.from("ping"), "192.0.2.7:7");
  const [data, source] = (await message) as [Buffer, Parameters<typeof formatAddress>[0]];
  expect(Buffer.isBuffer(data)).toBe(true);
  expect([data.toString(), formatAddress(source)]).toEqual(["ping", "192.0.2.7:7"]);
});

test("it tells where its datagrams go, and how many were dropped", async () => {
  const { relay, socket } = await talk();
  expect(formatAddress(socket.relayAddress)).toBe(`127.0.0.1:${relay.relayPort}`);
  expect(socket.localAddress.host).toBe("127.0.0.1");
  await socket.send("x", "192.0.2.7:7");
  await once(socket, "message");
  relay.answer(octets("00 00"));
  relay.answer(octets("00 00 00 01 c0 00 02 07 00 07"));
  await once(socket, "message");
  expect(socket.droppedCount).toBe(1);
  expect(socket.ref()).toBe(socket.unref());
});

describe("the end", () => {
  test("by close(): an event without a reason, and no more sending", async () => {
    const { socket } = await talk();
    const closed = once(socket, "close");
    expect(socket.closed).toBe(false);
    socket.close();
    expect(await closed).toEqual([undefined]);
    expect(socket.closed).toBe(true);
    expect(await failureOf(socket.send("x", "192.0.2.7:7"))).toMatchObject({ code: "ERR_SOCKS_STATE" });
  });

  test("by the proxy: an event with the reason, and no error event", async () => {
    const { relay, socket } = await talk();
    const closed = once(socket, "close");
    for (const control of relay.sockets) control.end();
    const [reason] = (await closed) as [SocksError];
    expect(reason).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "relay" });
  });
});

describe("what is refused", () => {
  test.each([
    ["no proxy", {}, "ERR_SOCKS_BAD_OPTION"],
    ["two", { chain: "socks5h://a.test socks5h://b.test" }, "ERR_SOCKS_BAD_OPTION"],
    ["SOCKS 4", { proxy: "socks4a://127.0.0.1" }, "ERR_SOCKS_NOT_REPRESENTABLE"],
    ["an unknown scheme", { proxy: "ftp://127.0.0.1" }, "ERR_SOCKS_UNKNOWN_SCHEME"],
  ])("%s", async (_, options, code) => {
    expect(await failureOf(createUdpSocket(options))).toMatchObject({ code, side: "local" });
  });

  test.each([
    ["without a port", "192.0.2.7", "ERR_SOCKS_BAD_PORT"],
    ["with port 0", "192.0.2.7:0", "ERR_SOCKS_BAD_PORT"],
    ["that is no name", "127.1:53", "ERR_SOCKS_BAD_ADDRESS"],
  ])("a target %s", async (_, target, code) => {
    const { socket } = await talk();
    expect(await failureOf(socket.send("x", target))).toMatchObject({ code, side: "local" });
  });
});

test("no error and no socket shows the password", async () => {
  const steps = [
    { receive: octets("05 02 00 02"), send: octets("05 02") },
    { receive: octets("01 05 61 6c 69 63 65 09 6b 65 65 70 6d 65 6f 75 74"), send: octets("01 00") },
    { receive: octets("05 03 00 01 00 00 00 00 00 00"), send: octets("05 00 00 01 00 00 00 00 00 09") },
  ];
  const server = await listenScript(steps, "keep");
  open.push(server);
  const socket = await createUdpSocket({ proxy: `socks5h://alice:keepmeout@127.0.0.1:${server.port}` });
  checkNoSecrets(socket, ["keepmeout"]);
  const closed = once(socket, "close");
  for (const control of server.sockets) control.end();
  checkNoSecrets(await closed, ["keepmeout"]);
});

import {
  checkNoSecrets,
  listenScript,
  type LoopbackServer,
  octets,
  readToEnd,
  type ScriptStep,
} from "@sockskit/testing";
import { formatAddress, parseAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { bind, type BindOptions, connectionInfo, isSocksError, type SocksError } from "../src/index.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const GREETING: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const LISTENING = "05 00 00 01 c6 33 64 07 9c 40";
const ACCEPTED = "05 00 00 01 c0 00 02 0a 00 14";

async function proxy(steps: readonly ScriptStep[], end: "keep" | "end" = "keep"): Promise<string> {
  const server = await listenScript(steps, end);
  open.push(server);
  return `socks5h://127.0.0.1:${server.port}`;
}

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isSocksError(error)).toBe(true);
  return error as SocksError;
}

test("gives the address first, then the connection, and what is known about it", async () => {
  const request = octets("05 02 00 01 c0 00 02 0a 00 15");
  const url = await proxy([GREETING, { receive: request, send: octets(`${LISTENING} ${ACCEPTED} 68 69`) }], "end");
  const binding = await bind({ proxy: url, peer: "192.0.2.10:21" });
  expect(formatAddress(binding.address)).toBe("198.51.100.7:40000");
  const socket = await binding.accept();
  expect(await binding.accept()).toBe(socket);
  expect(connectionInfo(socket)).toEqual({
    target: parseAddress("192.0.2.10", 20),
    proxies: [url],
    boundAddress: parseAddress("198.51.100.7", 40_000),
  });
  expect(socket.allowHalfOpen).toBe(false);
  expect(await readToEnd(socket)).toEqual(octets("68 69"));
});

test.each<[string, BindOptions["peer"], string]>([
  ["an address", "192.0.2.10", "01 c0 00 02 0a 00 00"],
  ["an IPv6 address", "2001:db8::1", "04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 00 00"],
  ["IPv6 with a port", "[2001:db8::1]:20", "04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 00 14"],
  ["a name", "ftp.test", "03 08 66 74 70 2e 74 65 73 74 00 00"],
  ["a name with a port", "ftp.test:21", "03 08 66 74 70 2e 74 65 73 74 00 15"],
  ["anybody", "0.0.0.0", "01 00 00 00 00 00 00"],
  ["host alone", { host: "192.0.2.10" }, "01 c0 00 02 0a 00 00"],
  ["host and port", { host: "192.0.2.10", port: 20 }, "01 c0 00 02 0a 00 14"],
  ["an Address", parseAddress("192.0.2.10", 20), "01 c0 00 02 0a 00 14"],
])("the peer may be %s", async (_, peer, fields) => {
  const url = await proxy([GREETING, { receive: octets(`05 02 00 ${fields}`), send: octets(LISTENING) }]);
  const binding = await bind({ proxy: url, peer });
  binding.close();
  expect(await failureOf(binding.accept())).toMatchObject({ code: "ERR_SOCKS_ABORTED", side: "local" });
});

describe("what is refused", () => {
  test.each([
    ["no proxy", { peer: "a.test" }, "ERR_SOCKS_BAD_OPTION"],
    ["two proxies", { chain: "socks5h://a.test socks5h://b.test", peer: "a.test" }, "ERR_SOCKS_BAD_OPTION"],
    ["a peer that is no name", { proxy: "socks5h://a.test", peer: "127.1" }, "ERR_SOCKS_BAD_ADDRESS"],
    ["a peer with an odd port", { proxy: "socks5h://a.test", peer: "a.test:x" }, "ERR_SOCKS_BAD_PORT"],
    ["no peer", { proxy: "socks5h://a.test" }, "ERR_SOCKS_BAD_OPTION"],
    ["null for a peer", { proxy: "socks5h://a.test", peer: null }, "ERR_SOCKS_BAD_OPTION"],
  ])("%s", async (_, options, code) => {
    expect(await failureOf(bind(options as BindOptions))).toMatchObject({ code, side: "local" });
  });
});

test("nobody need wait for a connection that fails, and no error shows the password", async () => {
  const server = await listenScript(
    [
      { receive: octets("05 02 00 02"), send: octets("05 02") },
      { receive: octets("01 05 61 6c 69 63 65 09 6b 65 65 70 6d 65 6f 75 74"), send: octets("01 00") },
      { receive: octets("05 02 00 01 c0 00 02 0a 00 00"), send: octets(LISTENING) },
    ],
    "end",
  );
  open.push(server);
  const binding = await bind({ proxy: `socks5h://alice:keepmeout@127.0.0.1:${server.port}`, peer: "192.0.2.10" });
  // An unhandled rejection would fail this run.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const error = await failureOf(binding.accept());
  expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request" });
  checkNoSecrets([error, binding], ["keepmeout"]);
});

import { listenScript, type LoopbackServer, octets } from "@sockskit/testing";
import { parseIpAddress } from "@sockskit/wire";
import { afterEach, expect, test } from "vitest";

import { isSocksError, resolve, resolvePtr, type SocksError } from "../src/index.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function proxy(request: string, answer: string): Promise<string> {
  const greeting = { receive: octets("05 01 00"), send: octets("05 00") };
  const server = await listenScript([greeting, { receive: octets(request), send: octets(answer) }]);
  open.push(server);
  return `socks5://127.0.0.1:${server.port}`;
}

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isSocksError(error)).toBe(true);
  return error as SocksError;
}

const PTR = "05 f1 00 01 c0 00 02 0a 00 00";
const NAMED = "05 00 00 03 03 61 2e 62 00 00";

test("the proxy looks up the address of a name, also where its scheme leaves names to this side", async () => {
  const address = await resolve({
    proxy: await proxy("05 f0 00 03 03 61 2e 62 00 00", "05 00 00 01 c0 00 02 0a 00 50"),
    name: "A.b",
  });
  expect(address).toEqual(parseIpAddress("192.0.2.10"));
});

test("the proxy looks up the name of an address: a text, or what resolve() gave", async () => {
  expect(await resolvePtr({ proxy: await proxy(PTR, NAMED), address: "192.0.2.10" })).toBe("a.b");
  const address = parseIpAddress("192.0.2.10", 80);
  if (address === undefined) throw new TypeError("no address");
  expect(await resolvePtr({ chain: [await proxy(PTR, NAMED)], address })).toBe("a.b");
});

test.each([
  ["a name with a port", () => resolve({ proxy: "socks5h://127.0.0.1:1", name: "a.b:80" }), "ERR_SOCKS_BAD_ADDRESS"],
  ["no name", () => resolve({ proxy: "socks5h://127.0.0.1:1" } as never), "ERR_SOCKS_BAD_OPTION"],
  ["a name for PTR", () => resolvePtr({ proxy: "socks5h://127.0.0.1:1", address: "a.b" }), "ERR_SOCKS_BAD_ADDRESS"],
  ["no address", () => resolvePtr({ proxy: "socks5h://127.0.0.1:1" } as never), "ERR_SOCKS_BAD_OPTION"],
  [
    "a name as an address",
    () => resolvePtr({ proxy: "socks5h://127.0.0.1:1", address: { type: "domain" } as never }),
    "ERR_SOCKS_BAD_OPTION",
  ],
  ["no proxy", () => resolve({ name: "a.b" }), "ERR_SOCKS_BAD_OPTION"],
  ["no options", () => resolve(undefined as never), "ERR_SOCKS_BAD_OPTION"],
])("%s is refused before anything is dialled", async (_what, call, code) => {
  expect(await failureOf(call())).toMatchObject({ code, side: "local", stage: undefined });
});

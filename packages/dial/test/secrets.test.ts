import { checkNoSecrets, listenScript, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { expect, test } from "vitest";

import { dialThrough } from "../src/index.ts";
import { failureOf } from "./support/failure.ts";

const PASSWORD = "canary-9d1f-password";
const destination = parseHostPort("example.com:80");
const offered = octets("05 02 00 02");

// Whatever goes wrong, and wherever: the password is nowhere on the error, hidden properties and causes included.
const endings: [title: string, steps: ScriptStep[], end: "end" | "reset" | "keep"][] = [
  ["closed", [{ receive: offered }], "end"],
  ["reset", [{ receive: offered }], "reset"],
  ["silent", [{ receive: offered }], "keep"],
  ["no acceptable method", [{ receive: offered, send: octets("05 ff") }], "end"],
  ["not SOCKS", [{ receive: offered, send: octets("48 54 54 50") }], "end"],
  ["closed while authenticating", [{ receive: offered, send: octets("05 02") }], "end"],
  ["silent while authenticating", [{ receive: offered, send: octets("05 02") }], "keep"],
  ["request refused", [{ receive: offered, send: octets("05 00") }, { send: octets("05 05") }], "keep"],
];

test.each(endings)("%s", async (_title, steps, end) => {
  const server = await listenScript(steps, end);
  const chain = parseProxyChain(`socks5h://alice:${PASSWORD}@127.0.0.1:${server.port}`);
  const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 200 }));
  checkNoSecrets(error, [PASSWORD]);
  expect(error.hop?.proxy).toBe(`socks5h://alice:***@127.0.0.1:${server.port}`);
  await server.close();
});

test("rejected", async () => {
  const server = await listenScript([{ receive: offered, send: octets("05 02") }, { send: octets("01 01") }], "keep");
  const chain = parseProxyChain(`socks5h://alice:${PASSWORD}@127.0.0.1:${server.port}`);
  const error = await failureOf(dialThrough({ chain, destination }));
  expect(error.code).toBe("ERR_SOCKS_AUTH_REJECTED");
  checkNoSecrets(error, [PASSWORD]);
  await server.close();
});

test("not even begun", async () => {
  for (const [text, target] of [
    [`socks5h+tls://alice:${PASSWORD}@proxy.example`, destination],
    [`socks5h://alice:${PASSWORD}@proxy.example`, parseHostPort("[fe80::1%lo]:80")],
    [`socks5h://alice:${PASSWORD}@127.0.0.1:1`, destination],
  ] as const) {
    const error = await failureOf(dialThrough({ chain: parseProxyChain(text), destination: target }));
    checkNoSecrets(error, [PASSWORD]);
  }
});

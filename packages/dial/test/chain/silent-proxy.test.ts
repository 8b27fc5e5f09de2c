import { listenScript, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { expect, onTestFinished, test } from "vitest";

import { dialThrough } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";

const destination = parseHostPort("example.com:80");
const greeting: ScriptStep = { receive: octets("05 01 00") };
const request: ScriptStep = { receive: octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50") };
const chosen: ScriptStep = { ...greeting, send: octets("05 00") };
const granted: ScriptStep = { ...request, send: octets("05 00 00 01 00 00 00 00 00 00") };

/** What is said of a peer that stops answering, its port written as PORT. */
async function messageAfter(steps: readonly ScriptStep[], ...later: string[]): Promise<string> {
  const server = await listenScript(steps, "keep");
  onTestFinished(() => server.close());
  const chain = [`socks5h://127.0.0.1:${server.port}`, ...later].map((url) => parseProxyUrl(url));
  const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 400 }));
  expect(error.code).toBe("ERR_SOCKS_TIMEOUT");
  return error.message.replaceAll(String(server.port), "PORT");
}

test("a server that waits for more than a greeting may be none of SOCKS, and a probe tells", async () => {
  expect(await messageAfter([greeting])).toMatch(
    /to choose an authentication method; it may be no SOCKS proxy: sockskit probe socks5h:\/\/127\.0\.0\.1:PORT tells$/u,
  );
});

test("a later one may be none too, but a probe need not reach it from here", async () => {
  expect(await messageAfter([chosen, granted, greeting], "socks5h://example.com:80")).toMatch(
    /to choose an authentication method; it may be no SOCKS proxy$/u,
  );
});

test("who has chosen a method is a proxy", async () => {
  expect(await messageAfter([chosen, request])).toMatch(/to answer the request$/u);
});

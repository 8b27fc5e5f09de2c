import { listenScript, octets } from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { expect, test } from "vitest";

import { dialThrough } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";

const request = octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50");

test.each([
  [0xf0, "onion service descriptor not found (REP 0xf0); the service is not there, or not now: check the address"],
  [0xf1, "onion service descriptor invalid (REP 0xf1); what the service says of itself is broken: only its operator"],
  [0xf2, "onion service introduction failed (REP 0xf2); the service could not be told of this client: it may be gone"],
  [0xf3, "onion service rendezvous failed (REP 0xf3); the service and this client did not meet: try again"],
  [0xf4, "onion service client authorization missing (REP 0xf4); the service is for known clients only: give Tor"],
  [0xf5, "onion service client authorization wrong (REP 0xf5); the key that Tor has for the service"],
  [0xf6, "onion address invalid (REP 0xf6); the name is mistyped or cut: an onion name has 56 characters"],
  [0xf7, "onion service introduction timed out (REP 0xf7); the service did not answer in time: try again later"],
])("REP %i says what it means and what to do", async (rep, text) => {
  const proxy = await listenScript([
    { receive: octets("05 01 00"), send: octets("05 00") },
    { receive: request, send: Uint8Array.of(5, rep, 0, 1, 0, 0, 0, 0, 0, 0) },
  ]);
  try {
    const chain = parseProxyChain(`socks5h://127.0.0.1:${proxy.port}`);
    const error = await failureOf(
      dialThrough({ chain, destination: parseHostPort("example.com:80"), timeoutMs: 5000 }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: rep });
    expect(error.message).toContain(` did not connect to example.com:80: ${text}`);
  } finally {
    await proxy.close();
  }
});

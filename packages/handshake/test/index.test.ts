import { expect, test } from "vitest";
import * as handshake from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(handshake).toSorted()).toEqual([
    "AddressRace",
    "CLIENT_TRANSITIONS",
    "ClientHandshake",
    "ConnectionPreface",
    "DEFAULT_ATTEMPT_DELAY_MS",
    "FragmentReassembly",
    "HandshakeError",
    "HttpConnectHandshake",
    "MAX_ATTEMPT_DELAY_MS",
    "MAX_BUFFERED_LENGTH",
    "MAX_EARLY_DATA_LENGTH",
    "MAX_FRAGMENT_COUNT",
    "MAX_HTTP_INTERIM_COUNT",
    "MAX_RACE_ADDRESSES",
    "MAX_REASSEMBLED_LENGTH",
    "MAX_REASSEMBLY_TIMEOUT_MS",
    "MIN_ATTEMPT_DELAY_MS",
    "MIN_REASSEMBLY_TIMEOUT_MS",
    "SERVER_TRANSITIONS",
    "ServerHandshake",
    "sortAddresses",
    "splitDatagram",
  ]);
});

test("an error has name, code, side, stage and what else is known", () => {
  const cause = new TypeError("why");
  const details = { side: "remote", stage: "request", reply: 0x05, rep: 0x01, version: 5, cause } as const;
  expect(new handshake.HandshakeError("ERR_SOCKS_REQUEST_REFUSED", "what", details)).toMatchObject({
    name: "HandshakeError",
    code: "ERR_SOCKS_REQUEST_REFUSED",
    message: "what",
    ...details,
  });
  const bare = new handshake.HandshakeError("ERR_SOCKS_STATE", "what", { side: "local", stage: "negotiate" });
  expect(bare).not.toHaveProperty("cause");
});

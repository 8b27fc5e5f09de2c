import { expect, test } from "vitest";
import * as wire from "../src/index.ts";

// The numbers as the documents print them: RFC 1928, RFC 1929, the IANA registry "SOCKS Methods",
// the SOCKS 4 memo (in decimal there), and Tor's socks-extensions.txt.

test("versions", () => {
  expect([wire.SOCKS5_VERSION, wire.SOCKS4_VERSION, wire.SOCKS4_REPLY_VERSION, wire.USER_PASS_VERSION]).toEqual([
    5, 4, 0, 1,
  ]);
});

test("methods", () => {
  expect(wire.METHOD).toEqual({
    noAuthenticationRequired: 0,
    gssapi: 1,
    usernamePassword: 2,
    challengeHandshakeAuthenticationProtocol: 3,
    challengeResponseAuthenticationMethod: 5,
    secureSocketsLayer: 6,
    ndsAuthentication: 7,
    multiAuthenticationFramework: 8,
    jsonParameterBlock: 9,
    noAcceptableMethods: 255,
  });
});

test("commands and address types", () => {
  expect(wire.CMD).toEqual({ connect: 1, bind: 2, udpAssociate: 3, resolve: 240, resolvePtr: 241 });
  expect(wire.ATYP).toEqual({ ipv4: 1, domainName: 3, ipv6: 4 });
  expect(wire.USER_PASS_STATUS).toEqual({ success: 0, failure: 1 });
});

test("SOCKS 4 codes", () => {
  expect(wire.SOCKS4_CD).toEqual({
    connect: 1,
    bind: 2,
    requestGranted: 90,
    requestRejectedOrFailed: 91,
    identdUnreachable: 92,
    useridMismatch: 93,
    resolve: 240,
  });
});

test("replies, their names and what they say", () => {
  const table: [number, string | undefined, string | undefined][] = [];
  for (let rep = 0x00; rep <= 0xff; rep++) {
    if (wire.repName(rep) !== undefined) table.push([rep, wire.repName(rep), wire.repDescription(rep)]);
  }
  expect(table).toEqual([
    [0x00, "succeeded", "succeeded"],
    [0x01, "generalSocksServerFailure", "general SOCKS server failure"],
    [0x02, "connectionNotAllowedByRuleset", "connection not allowed by ruleset"],
    [0x03, "networkUnreachable", "network unreachable"],
    [0x04, "hostUnreachable", "host unreachable"],
    [0x05, "connectionRefused", "connection refused"],
    [0x06, "ttlExpired", "TTL expired"],
    [0x07, "commandNotSupported", "command not supported"],
    [0x08, "addressTypeNotSupported", "address type not supported"],
    [0xf0, "torDescriptorNotFound", "onion service descriptor not found"],
    [0xf1, "torDescriptorInvalid", "onion service descriptor invalid"],
    [0xf2, "torIntroductionFailed", "onion service introduction failed"],
    [0xf3, "torRendezvousFailed", "onion service rendezvous failed"],
    [0xf4, "torClientAuthorizationMissing", "onion service client authorization missing"],
    [0xf5, "torClientAuthorizationWrong", "onion service client authorization wrong"],
    [0xf6, "torOnionAddressInvalid", "onion address invalid"],
    [0xf7, "torIntroductionTimedOut", "onion service introduction timed out"],
  ]);
});

test("every name leads back to its number, and numbers without one have none", () => {
  for (const [table, nameOf] of [
    [wire.METHOD, wire.methodName],
    [wire.CMD, wire.cmdName],
    [wire.REP, wire.repName],
    [wire.SOCKS4_CD, wire.socks4CdName],
  ] as const) {
    const named = new Map(Object.entries(table).map(([name, number]) => [number as number, name]));
    for (let number = -1; number <= 0x100; number++) expect(nameOf(number)).toBe(named.get(number));
  }
  expect(wire.repDescription(0x09)).toBeUndefined();
});

import { expect, test } from "vitest";
import * as wire from "../src/index.ts";

// The numbers as the documents print them: RFC 1928, RFC 1929, the IANA registry "SOCKS Methods",
// the SOCKS 4 memo (in decimal there), Tor's socks-extensions.txt, the drafts
// draft-ietf-aft-socks-chap-01, -cram-00 and -maf-01, and the PROXY protocol.

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

test("attributes of CHAP and CRAM", () => {
  expect(wire.ATT).toEqual({
    status: 0,
    textMessage: 1,
    userIdentity: 2,
    challenge: 3,
    response: 4,
    charset: 5,
    identifier: 16,
    algorithms: 17,
  });
  expect(wire.CHAP_ALGORITHM).toEqual({ md5: 5, hmacMd5: 133 });
  expect(wire.ATTRIBUTE_STATUS).toEqual({ success: 0, failure: 1 });
  expect(wire.ATTRIBUTE_LIST_VERSION).toBe(1);
});

test("instructions and ids of MAF", () => {
  expect(wire.MAF_INSTR).toEqual({
    success: 0,
    canDo: 1,
    sendMore: 2,
    do: 3,
    whatNext: 4,
    process: 5,
    acknowledge: 6,
    oem: 7,
    failure: 255,
  });
  expect(wire.MAF_SEND_MORE).toEqual({ relative: 0, startOver: 1 });
  expect(wire.MAF_METHOD).toEqual({ success: 0, internalTest: 1, moreIdsAvailable: 2, failure: 4_294_967_295 });
  expect(wire.MAF_OEM).toEqual({ test: 0, notRecognised: 4_294_967_295 });
  expect([wire.MAF_VERSION, wire.MAF_RESULT_VERSION]).toEqual([1, 0]);
  expect(wire.mafId(0x0001_0203)).toEqual(Uint8Array.of(0, 1, 2, 3));
  expect(wire.mafId(wire.MAF_METHOD.failure)).toEqual(Uint8Array.of(255, 255, 255, 255));
});

test("messages and levels of GSS-API", () => {
  expect(wire.MTYP).toEqual({ authentication: 1, protectionLevel: 2, encapsulatedUserData: 3, abort: 255 });
  expect(wire.PROTECTION_LEVEL).toEqual({ none: 0, integrity: 1, confidentiality: 2, selective: 3 });
  expect(wire.GSSAPI_VERSION).toBe(1);
});

test("states and options of TLS inside SOCKS", () => {
  expect(wire.SSL_STATE).toEqual({
    initialHandshake: 1,
    optionNegotiation: 2,
    dataFlow: 3,
    closingHandshake: 4,
  });
  expect(wire.SSL_OPTION).toEqual({ subauthentication: 0x01, udpNaked: 0x10 });
  expect(wire.SSL_FRAME_VERSION).toBe(1);
  expect([wire.sslStateName(0x03), wire.sslStateName(0x05)]).toEqual(["dataFlow", undefined]);
});

test("numbers of the PROXY protocol", () => {
  expect(wire.PROXY_CMD).toEqual({ local: 0, proxy: 1 });
  expect(wire.PROXY_FAMILY).toEqual({
    unspecified: 0x00,
    tcpOverIpv4: 0x11,
    udpOverIpv4: 0x12,
    tcpOverIpv6: 0x21,
    udpOverIpv6: 0x22,
    unixStream: 0x31,
    unixDatagram: 0x32,
  });
  expect(wire.PROXY_TLV).toEqual({
    alpn: 0x01,
    authority: 0x02,
    crc32c: 0x03,
    noop: 0x04,
    uniqueId: 0x05,
    ssl: 0x20,
    sslVersion: 0x21,
    sslCommonName: 0x22,
    sslCipher: 0x23,
    sslSignatureAlgorithm: 0x24,
    sslKeyAlgorithm: 0x25,
    sslKeyExchangeGroup: 0x26,
    sslSignatureScheme: 0x27,
    sslClientCertificate: 0x28,
    networkNamespace: 0x30,
  });
});

test("every name leads back to its number, and numbers without one have none", () => {
  for (const [table, nameOf] of [
    [wire.METHOD, wire.methodName],
    [wire.CMD, wire.cmdName],
    [wire.REP, wire.repName],
    [wire.SOCKS4_CD, wire.socks4CdName],
    [wire.ATT, wire.attName],
    [wire.CHAP_ALGORITHM, wire.chapAlgorithmName],
    [wire.MAF_INSTR, wire.mafInstrName],
    [wire.MTYP, wire.mtypName],
    [wire.PROTECTION_LEVEL, wire.protectionLevelName],
    [wire.PROXY_TLV, wire.proxyTlvName],
  ] as const) {
    const named = new Map(Object.entries(table).map(([name, number]) => [number as number, name]));
    for (let number = -1; number <= 0x100; number++) expect(nameOf(number)).toBe(named.get(number));
  }
  expect(wire.repDescription(0x09)).toBeUndefined();
});

// What encoders refuse: everything that would put other octets on the wire than the caller meant.

import { checkNoSecrets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import * as wire from "../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number, octet = 0x61): Uint8Array => new Uint8Array(length).fill(octet);
const ipv4 = Uint8Array.of(192, 0, 2, 10);

const NO_OCTETS = [-1, 256, 1.5, Number.NaN, Infinity, "1", undefined, null] as readonly number[];
const NO_PORTS = [-1, 65_536, 80.5, Number.NaN, Infinity, "80", undefined, null] as readonly number[];
const NO_ARRAYS = ["abcd", [1, 2, 3, 4], undefined, null, 4, new Uint16Array(4)] as unknown as readonly Uint8Array[];

const request = { cmd: 0x01, atyp: 0x01, dstAddr: ipv4, dstPort: 80 };
const reply = { rep: 0x00, atyp: 0x01, bndAddr: ipv4, bndPort: 80 };
const datagram = { frag: 0x00, atyp: 0x01, dstAddr: ipv4, dstPort: 53, data: octets(4) };
const request4 = { cd: 0x01, dstPort: 80, dstIp: ipv4, userid: octets(0) };
const reply4 = { cd: 0x5a, dstPort: 0, dstIp: octets(4, 0) };

/** Each encoder with a value it takes, its octet fields, port fields and array fields. */
const ENCODERS = [
  { encode: wire.encodeSocks4Request, value: request4, octet: ["cd"], port: ["dstPort"], array: ["dstIp", "userid"] },
  { encode: wire.encodeSocks4Reply, value: reply4, octet: ["cd"], port: ["dstPort"], array: ["dstIp"] },
  { encode: wire.encodeMethodRequest, value: { methods: octets(1) }, octet: [], port: [], array: ["methods"] },
  { encode: wire.encodeMethodReply, value: { method: 0x00 }, octet: ["method"], port: [], array: [] },
  {
    encode: wire.encodeUserPassRequest,
    value: { uname: octets(1), passwd: octets(1) },
    octet: [],
    port: [],
    array: ["uname", "passwd"],
  },
  { encode: wire.encodeUserPassReply, value: { status: 0x00 }, octet: ["status"], port: [], array: [] },
  { encode: wire.encodeSocks5Request, value: request, octet: ["cmd"], port: ["dstPort"], array: ["dstAddr"] },
  { encode: wire.encodeSocks5Reply, value: reply, octet: ["rep"], port: ["bndPort"], array: ["bndAddr"] },
  { encode: wire.encodeUdpDatagram, value: datagram, octet: ["frag"], port: ["dstPort"], array: ["dstAddr", "data"] },
] as const;

describe.each(ENCODERS)("$encode.name", ({ encode, value, octet, port, array }) => {
  const attempt = (field: string, wrong: unknown) => () =>
    (encode as (value: unknown) => Uint8Array)({ ...value, [field]: wrong });

  test("takes the value that the other cases change", () => {
    expect((encode as (value: unknown) => Uint8Array)(value).length).toBeGreaterThan(1);
  });

  test("refuses numbers outside an octet, ports outside 16 bits and what is no array of octets", () => {
    for (const field of octet) {
      for (const wrong of NO_OCTETS) expect(attempt(field, wrong)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
    for (const field of port) {
      for (const wrong of NO_PORTS) expect(attempt(field, wrong)).toThrow(local("ERR_SOCKS_BAD_PORT"));
    }
    for (const field of array) {
      for (const wrong of NO_ARRAYS) expect(attempt(field, wrong)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
  });
});

test.each([wire.encodeSocks5Request, wire.encodeSocks5Reply, wire.encodeUdpDatagram])(
  "%o refuses an address that its type cannot have",
  (encode) => {
    const attempt = (atyp: number, addr: Uint8Array) => () =>
      (encode as (value: unknown) => Uint8Array)({
        ...request,
        ...reply,
        ...datagram,
        atyp,
        dstAddr: addr,
        bndAddr: addr,
        data: octets(0),
      });
    for (const length of [0, 3, 5, 16]) expect(attempt(0x01, octets(length))).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    for (const length of [0, 4, 15, 17]) expect(attempt(0x04, octets(length))).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    expect(attempt(0x03, octets(0))).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    expect(attempt(0x03, octets(256))).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt(0x03, octets(255))()).toHaveLength(262);
    for (const atyp of [0x00, 0x02, 0x05, 0xff, Number.NaN]) {
      expect(attempt(atyp, octets(4))).toThrow(local("ERR_SOCKS_BAD_ATYP"));
    }
  },
);

test("a frame of GSS-API has a token where one must be, and none in an abort", () => {
  const frame = (mtyp: number, length: number) => () => wire.encodeGssapiFrame({ mtyp, token: octets(length) });
  for (const mtyp of [0x01, 0x02, 0x03]) {
    expect(frame(mtyp, 65_535)()).toHaveLength(wire.MAX_GSSAPI_FRAME_LENGTH);
    expect(frame(mtyp, 65_536)).toThrow(local("ERR_SOCKS_OVERFLOW"));
  }
  for (const mtyp of [0x02, 0x03]) expect(frame(mtyp, 0)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  for (const mtyp of [0x00, 0x04, 0xfe, 0x101, Number.NaN])
    expect(frame(mtyp, 1)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  expect(frame(0xff, 1)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  expect(wire.encodeGssapiHeader({ mtyp: 0x03, length: 0x1234 })).toEqual(Uint8Array.of(0x01, 0x03, 0x12, 0x34));
  for (const length of [-1, 65_536, 1.5]) {
    expect(() => wire.encodeGssapiHeader({ mtyp: 0x03, length })).toThrow(local("ERR_SOCKS_OVERFLOW"));
  }
});

test("a frame of TLS inside SOCKS has an assigned state and what its length can say", () => {
  const frame = (state: number, length: number) => () => wire.encodeSslFrame({ state, data: octets(length) });
  expect(frame(0x01, 65_535)()).toHaveLength(wire.MAX_SSL_FRAME_LENGTH);
  expect(frame(0x01, 65_536)).toThrow(local("ERR_SOCKS_OVERFLOW"));
  for (const state of [0x00, 0x05, 0x101, Number.NaN]) expect(frame(state, 1)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  const options = (length: number) => () => wire.encodeSslOptions({ options: octets(length) });
  expect(options(255)()).toHaveLength(wire.MAX_SSL_OPTIONS_LENGTH);
  expect(options(256)).toThrow(local("ERR_SOCKS_OVERFLOW"));
});

test("the longest user name and password fit, longer ones throw and stay secret", () => {
  const longest = wire.encodeUserPassRequest({ uname: octets(255), passwd: octets(255) });
  expect(longest).toHaveLength(wire.MAX_USER_PASS_REQUEST_LENGTH);

  const secret = "canary-7d1e";
  const passwd = new TextEncoder().encode(secret.repeat(30));
  for (const fields of [
    { uname: octets(1), passwd },
    { uname: passwd, passwd: octets(1) },
    { uname: octets(1), passwd: secret as unknown as Uint8Array },
  ]) {
    try {
      wire.encodeUserPassRequest(fields);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(wire.WireError);
      checkNoSecrets(error, [secret]);
    }
  }
});

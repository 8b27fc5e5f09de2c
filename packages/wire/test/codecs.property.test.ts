import { arbitraryChunks, arbitraryOctets, concat } from "@sockskit/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as wire from "../src/index.ts";
import { CODECS } from "./codecs.ts";
import type { Codec, Fields } from "./codecs.ts";

const octet = fc.nat({ max: 0xff });
const port = fc.nat({ max: 0xffff });
const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const text = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ min: 0x01, minLength, maxLength });
const addr = fc.oneof(
  fc.record({ atyp: fc.constant(0x01), addr: octets(4, 4) }),
  fc.record({ atyp: fc.constant(0x03), addr: octets(1, 255) }),
  fc.record({ atyp: fc.constant(0x04), addr: octets(16, 16) }),
);
/** Any four octets but 0.0.0.x, which announces a name. */
const dstIp = octets(4, 4).map((ip) => (ip[0] === 0 && ip[1] === 0 && ip[2] === 0 ? Uint8Array.of(1, 0, 0, 1) : ip));

const id = (length: number): fc.Arbitrary<Uint8Array> => octets(length, length);
/** Ids in the order in which they come back: those of one length together. */
const ids = fc
  .uniqueArray(fc.integer({ min: 1, max: 255 }), { maxLength: 4 })
  .chain((lengths) => fc.tuple(...lengths.map((length) => fc.array(id(length), { minLength: 1, maxLength: 6 }))))
  .map((groups) => groups.flat());
const tlv = fc.record({ type: octet.filter((type) => type !== wire.PROXY_TLV.crc32c), value: octets(0, 40) });
const ends = (length: number): { srcAddr: fc.Arbitrary<Uint8Array>; dstAddr: fc.Arbitrary<Uint8Array> } => ({
  srcAddr: id(length),
  dstAddr: id(length),
});
const noTlvs = fc.constant([]);
const proxyHeader = (families: readonly number[], length: number, ports: fc.Arbitrary<number>) =>
  fc.record({
    version: fc.constant(2),
    cmd: fc.constant(0x01),
    family: fc.constantFrom(...families),
    ...ends(length),
    srcPort: ports,
    dstPort: ports,
    tlvs: length === 0 ? noTlvs : fc.array(tlv, { maxLength: 5 }),
  });
const zero = fc.constant(0);
const proxyLine = (family: number, length: number) =>
  fc.record({
    version: fc.constant(1),
    cmd: fc.constant(0x01),
    family: fc.constant(family),
    ...ends(length),
    srcPort: length === 0 ? zero : port,
    dstPort: length === 0 ? zero : port,
    tlvs: noTlvs,
  });
const headerText = (characters: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters.split("")), minLength: 1, maxLength: 20 });
const headers = fc.array(
  fc.record({
    name: headerText("aZ09-_!~").map((name) => `x${name}`),
    value: headerText("a :,\t\xe9\x80(").map((value) => `b${value}c`),
  }),
  { maxLength: 5 },
);
const host = { name: "Host", value: "a.example" };

const VALUES: Record<keyof typeof CODECS, fc.Arbitrary<Fields>> = {
  Socks4Request: fc.oneof(
    fc.record({ cd: octet, dstPort: port, dstIp, userid: text(0, 255) }),
    fc.record({
      cd: octet,
      dstPort: port,
      dstIp: fc.integer({ min: 1, max: 255 }).map((x) => Uint8Array.of(0, 0, 0, x)),
      userid: text(0, 255),
      domain: text(1, 255),
    }),
  ),
  Socks4Reply: fc.record({ cd: octet, dstPort: port, dstIp: octets(4, 4) }),
  MethodRequest: fc.record({ methods: octets(1, 255) }),
  MethodReply: fc.record({ method: octet }),
  UserPassRequest: fc.record({ uname: octets(0, 255), passwd: octets(0, 255) }),
  UserPassReply: fc.record({ version: fc.constant(0x01), status: octet }),
  Socks5Request: fc
    .tuple(octet, addr, port)
    .map(([cmd, a, dstPort]) => ({ cmd, atyp: a.atyp, dstAddr: a.addr, dstPort })),
  Socks5Reply: fc
    .tuple(octet, addr, port)
    .map(([rep, a, bndPort]) => ({ rep, atyp: a.atyp, bndAddr: a.addr, bndPort })),
  AttributeList: fc.record({
    attributes: fc.uniqueArray(fc.record({ att: octet, val: octets(0, 255) }), {
      minLength: 1,
      maxLength: 12,
      selector: ({ att }) => att,
    }),
  }),
  MafMessage: fc.oneof(
    fc.record({ instr: fc.constant(0x01), ids }),
    fc.record({ instr: fc.constant(0x02), flags: port }),
    fc.record({ instr: fc.constantFrom(0x00, 0x03, 0xff), method: octets(1, 255) }),
    fc.record({ instr: fc.constantFrom(0x04, 0x06) }),
    fc.record({ instr: fc.constant(0x05), method: octets(1, 255), data: octets(0, 300) }),
    fc.record({ instr: fc.constant(0x07), oemId: octets(1, 255), data: octets(0, 300) }),
  ),
  GssapiFrame: fc.oneof(
    fc.record({ mtyp: fc.constantFrom(0x01, 0x02, 0x03), token: octets(1, 300) }),
    fc.record({ mtyp: fc.constantFrom(0x01, 0xff), token: octets(0, 0) }),
  ),
  SslFrame: fc.record({ state: fc.integer({ min: 1, max: 4 }), data: octets(0, 300) }),
  SslOptions: fc.record({ options: octets(0, 255) }),
  ProxyHeader: fc.oneof(
    proxyHeader([0x11, 0x12], 4, port),
    proxyHeader([0x21, 0x22], 16, port),
    proxyHeader([0x31, 0x32], 108, zero),
    proxyHeader([0x00, 0x01, 0x02, 0x10, 0x20, 0x30], 0, zero),
    proxyHeader([0x00, 0x11, 0xff], 0, zero).map((header) => ({ ...header, cmd: 0x00 })),
    proxyLine(0x11, 4),
    proxyLine(0x21, 16),
    proxyLine(0x00, 0),
  ),
  HttpConnectRequest: fc.record({
    authority: fc.constantFrom("example.com:443", "192.0.2.1:0", "[2001:db8::1]:65535"),
    version: fc.constantFrom("HTTP/1.0", "HTTP/1.1"),
    headers: headers.map((list) => [host, ...list]),
  }),
  HttpConnectResponse: fc.record({
    version: fc.constantFrom("HTTP/1.0", "HTTP/1.1"),
    status: fc.integer({ min: 100, max: 999 }),
    reason: fc.oneof(fc.constant(""), headerText("aZ \xe9")),
    headers,
  }),
};

/** Octets that each codec with a long beginning takes for one of its own. */
const BEGINNINGS: Readonly<Partial<Record<keyof typeof CODECS, readonly Uint8Array[]>>> = {
  AttributeList: [Uint8Array.of(0x01, 0x03, 0x11, 0x01, 0x85)],
  MafMessage: [Uint8Array.of(0x01, 0x01, 0x00, 0x00), Uint8Array.of(0x05, 0x01, 0x00, 0x00, 0x04)],
  GssapiFrame: [Uint8Array.of(0x01, 0x03, 0x00)],
  SslFrame: [Uint8Array.of(0x01, 0x03, 0x00)],
  ProxyHeader: [
    ascii("PROXY TCP4 192.0.2.1 "),
    ascii("PROXY UNKNOWN"),
    concat(ascii("\r\n\r\n\0\r\nQUIT\n"), Uint8Array.of(0x21, 0x11, 0x00)),
  ],
  HttpConnectRequest: [ascii("CONNECT a.example:80 HTTP/1.1\r\nHost: ")],
  HttpConnectResponse: [ascii("HTTP/1.1 200 OK\r\n"), ascii("HTTP/1.1 ")],
};

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Octets that get past the first checks more often than chance would have it. */
const plausible = fc
  .tuple(
    fc.constantFrom(0x00, 0x01, 0x04, 0x05, 0x47),
    octet,
    fc.constantFrom(0x00, 0x01, 0xff),
    fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x04, 0xff),
    arbitraryOctets({ maxLength: 800 }),
  )
  .map(([version, second, third, fourth, rest]) => concat(Uint8Array.of(version, second, third, fourth), rest));

/** What a decoder makes of octets: a length, `undefined`, or the code of its error. */
function outcome(codec: Codec, bytes: Uint8Array): number | undefined | string {
  try {
    return codec.decode(bytes)?.byteLength;
  } catch (error) {
    expect(error).toBeInstanceOf(wire.WireError);
    expect((error as wire.WireError).side).toBe("remote");
    return (error as wire.WireError).code;
  }
}

describe.each(Object.entries(CODECS))("%s", (type, codec) => {
  const values = VALUES[type as keyof typeof CODECS];
  const beginnings = BEGINNINGS[type as keyof typeof CODECS] ?? [Uint8Array.of()];
  const hopeful = fc
    .tuple(fc.constantFrom(...beginnings), arbitraryOctets({ maxLength: 300 }))
    .map((parts) => concat(...parts));
  const input = fc.oneof(plausible, hopeful, arbitraryOctets());

  test("what is encoded is decoded again", () => {
    fc.assert(
      fc.property(values, arbitraryOctets({ maxLength: 8 }), (value, trailing) => {
        const bytes = codec.encode(value);
        expect(bytes.length).toBeLessThanOrEqual(codec.maxLength);
        expect(codec.decode(concat(bytes, trailing))).toEqual({ value, byteLength: bytes.length });
      }),
    );
  });

  test("however the octets arrive, the message is complete with its last octet", () => {
    fc.assert(
      fc.property(
        values.chain((value) => fc.tuple(fc.constant(value), arbitraryChunks(codec.encode(value)))),
        ([value, chunks]) => {
          const expected = codec.encode(value);
          let received = new Uint8Array(0);
          for (const chunk of chunks) {
            received = Uint8Array.from(concat(received, chunk));
            const decoded = codec.decode(received);
            if (received.length < expected.length) expect(decoded).toBeUndefined();
            else expect(decoded?.value).toEqual(value);
          }
        },
      ),
    );
  });

  test("arbitrary octets give a message, patience or a WireError, and more of them never another answer", () => {
    fc.assert(
      fc.property(input, fc.nat(), (bytes, at) => {
        const whole = outcome(codec, bytes);
        const cut = at % (bytes.length + 1);
        const prefix = outcome(codec, bytes.subarray(0, cut));
        if (prefix !== undefined) expect(prefix).toBe(whole);
        else if (typeof whole === "number") expect(cut).toBeLessThan(whole);
      }),
    );
  });

  test("no state waits for more octets than the longest message has", () => {
    fc.assert(
      fc.property(input, (bytes) => {
        const flood = concat(bytes, new Uint8Array(codec.maxLength).fill(0x61));
        expect(outcome(codec, flood.subarray(0, codec.maxLength))).toBeDefined();
      }),
    );
  });
});

test("unassigned code points are carried and encode back to themselves", () => {
  for (let number = 0x00; number <= 0xff; number++) {
    const requestOctets = Uint8Array.of(0x05, number, 0x00, 0x01, 192, 0, 2, 10, 0x00, 0x50);
    expect(wire.encodeSocks5Request(wire.decodeSocks5Request(requestOctets)!.value)).toEqual(requestOctets);
    expect(wire.encodeSocks5Reply(wire.decodeSocks5Reply(requestOctets)!.value)).toEqual(requestOctets);
    for (const [codec, bytes] of [
      [CODECS.Socks4Request, Uint8Array.of(0x04, number, 0x00, 0x50, 192, 0, 2, 10, 0x00)],
      [CODECS.Socks4Reply, Uint8Array.of(0x00, number, 0x00, 0x50, 192, 0, 2, 10)],
      [CODECS.MethodRequest, Uint8Array.of(0x05, 0x01, number)],
      [CODECS.MethodReply, Uint8Array.of(0x05, number)],
      [CODECS.UserPassReply, Uint8Array.of(0x01, number)],
    ] as const) {
      expect(codec.encode(codec.decode(bytes)!.value)).toEqual(bytes);
    }
  }
});

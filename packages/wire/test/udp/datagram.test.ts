import { expect, test } from "vitest";
import {
  MAX_UDP_DATAGRAM_LENGTH,
  MAX_UDP_HEADER_LENGTH,
  decodeUdpDatagram,
  decodeUdpHeader,
  encodeUdpDatagram,
  encodeUdpDatagramInto,
} from "../../src/index.ts";

const value = { frag: 0x00, atyp: 0x01, dstAddr: Uint8Array.of(192, 0, 2, 53), dstPort: 53, data: Uint8Array.of(0x70) };
const bytes = Uint8Array.of(0x00, 0x00, 0x00, 0x01, 192, 0, 2, 53, 0x00, 0x35, 0x70);
const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;

test("bounds", () => {
  expect(MAX_UDP_HEADER_LENGTH).toBe(262);
  expect(MAX_UDP_DATAGRAM_LENGTH).toBe(65_527);
});

test("data and address are views of what was passed in", () => {
  for (const input of [bytes.slice(), Buffer.from(bytes)]) {
    const decoded = decodeUdpDatagram(input);
    input.fill(0xa5);
    expect(decoded.data).toEqual(Uint8Array.of(0xa5));
    expect(decoded.data.buffer).toBe(input.buffer);
    expect(Object.getPrototypeOf(decoded.data)).toBe(Uint8Array.prototype);
    expect(decoded.dstAddr).toEqual(new Uint8Array(4).fill(0xa5));
    expect(Object.getPrototypeOf(decoded.dstAddr)).toBe(Uint8Array.prototype);
  }
});

test("the address of a header is a copy", () => {
  const input = bytes.slice();
  const { value: header } = decodeUdpHeader(input);
  input.fill(0xa5);
  expect(header.dstAddr).toEqual(value.dstAddr);
});

test("no two datagrams share an octet, whatever their lengths", () => {
  const lengths = Array.from({ length: 400 }, (_, index) => (index * 37) % 2_300);
  const all = lengths.map((length, index) =>
    encodeUdpDatagram({ ...value, data: new Uint8Array(length).fill(index & 0xff) }),
  );
  for (const [index, octets] of all.entries()) {
    expect(octets.subarray(0, 10)).toEqual(bytes.subarray(0, 10));
    expect(octets.subarray(10)).toEqual(new Uint8Array(lengths[index] as number).fill(index & 0xff));
  }
});

test("goes on when somebody transferred the memory of a datagram", () => {
  const octets = encodeUdpDatagram({ ...value, data: new Uint8Array(500).fill(0x70) });
  structuredClone(octets.buffer, { transfer: [octets.buffer as ArrayBuffer] });
  const next = encodeUdpDatagram({ ...value, data: new Uint8Array(500).fill(0x71) });
  expect(next.subarray(10)).toEqual(new Uint8Array(500).fill(0x71));
});

test("with copy, nothing is a view", () => {
  for (const input of [bytes.slice(), Buffer.from(bytes)]) {
    const decoded = decodeUdpDatagram(input, { copy: true });
    input.fill(0xa5);
    expect(decoded).toEqual(value);
  }
});

test("a view inside a larger buffer ends where it ends", () => {
  const larger = new Uint8Array(bytes.length + 20).fill(0xee);
  larger.set(bytes, 10);
  const decoded = decodeUdpDatagram(larger.subarray(10, 10 + bytes.length));
  expect(decoded).toEqual(value);
});

test("does not write where there is no room", () => {
  const target = new Uint8Array(bytes.length);
  expect(encodeUdpDatagramInto(target, 0, value)).toBe(bytes.length);
  expect(target).toEqual(bytes);
  for (const offset of [1, -1, Number.NaN, 1_000]) {
    expect(() => encodeUdpDatagramInto(target, offset, value)).toThrow(local("ERR_SOCKS_OVERFLOW"));
  }
  expect(target).toEqual(bytes);
});

test("encodes the longest datagram and refuses a longer one", () => {
  const longest = { ...value, data: new Uint8Array(MAX_UDP_DATAGRAM_LENGTH - 10) };
  expect(encodeUdpDatagram(longest)).toHaveLength(MAX_UDP_DATAGRAM_LENGTH);
  const longer = { ...value, data: new Uint8Array(MAX_UDP_DATAGRAM_LENGTH - 9) };
  expect(() => encodeUdpDatagram(longer)).toThrow(local("ERR_SOCKS_OVERFLOW"));
  expect(() => encodeUdpDatagram({ ...value, data: new Uint8Array(MAX_UDP_DATAGRAM_LENGTH + 1) })).toThrow(
    local("ERR_SOCKS_OVERFLOW"),
  );
});

import { expect, test } from "vitest";
import {
  MAX_UDP_DATAGRAM_LENGTH,
  MAX_UDP_HEADER_LENGTH,
  decodeUdpDatagram,
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

test("data is a view of what was passed in, the address is not", () => {
  for (const input of [bytes.slice(), Buffer.from(bytes)]) {
    const decoded = decodeUdpDatagram(input);
    input.fill(0xa5);
    expect(decoded.data).toEqual(Uint8Array.of(0xa5));
    expect(decoded.data.buffer).toBe(input.buffer);
    expect(Object.getPrototypeOf(decoded.data)).toBe(Uint8Array.prototype);
    expect(decoded.dstAddr).toEqual(value.dstAddr);
  }
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

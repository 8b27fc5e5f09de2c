import { describe, expect, test } from "vitest";
import { type ProxyHeader, decodeProxyHeader, encodeProxyHeader } from "../../src/index.ts";
import { crc32c } from "../../src/proxy-protocol/crc32c.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number, octet = 0x61): Uint8Array => new Uint8Array(length).fill(octet);
const tcp4: ProxyHeader = {
  version: 2,
  cmd: 0x01,
  family: 0x11,
  srcAddr: Uint8Array.of(192, 0, 2, 33),
  dstAddr: Uint8Array.of(198, 51, 100, 7),
  srcPort: 49_200,
  dstPort: 1080,
  tlvs: [],
};
const attempt = (fields: object) => () => encodeProxyHeader({ ...tcp4, ...fields });
const nothing = { srcAddr: octets(0), dstAddr: octets(0), srcPort: 0, dstPort: 0 };

test("the check value of CRC-32C", () => {
  const digits = new TextEncoder().encode("123456789");
  expect(crc32c(digits, 0, digits.length, digits.length)).toBe(0xe306_9283);
  expect(crc32c(digits, 2, 2, 2)).toBe(0);
});

test("whatever stands in a checksum TLV, the right sum is sent", () => {
  for (const octet of [0x00, 0xff]) {
    const bytes = encodeProxyHeader({ ...tcp4, tlvs: [{ type: 0x03, value: octets(4, octet) }] });
    expect(decodeProxyHeader(bytes)?.byteLength).toBe(bytes.length);
    for (let at = 16; at < bytes.length; at++) {
      if (at === 28) continue; // The type of the TLV: with another one it is no checksum.
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0x10;
      expect(() => decodeProxyHeader(changed)).toThrow(expect.objectContaining({ name: "WireError", side: "remote" }));
    }
  }
});

describe("what cannot be sent", () => {
  test.each([
    [{ version: 3 }, "ERR_SOCKS_BAD_VERSION"],
    [{ cmd: 0x02 }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 0x41 }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 0x13 }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 256 }, "ERR_SOCKS_BAD_FIELD"],
    [{ srcPort: 65_536 }, "ERR_SOCKS_BAD_PORT"],
    [{ dstPort: Number.NaN }, "ERR_SOCKS_BAD_PORT"],
    [{ srcAddr: octets(16) }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ dstAddr: octets(3) }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ dstAddr: "1.2.3.4" }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 0x21 }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ family: 0x00 }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ cmd: 0x00 }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ family: 0x31, srcAddr: octets(108), dstAddr: octets(108) }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 0x00, ...nothing, dstPort: 1 }, "ERR_SOCKS_BAD_FIELD"],
    [{ family: 0x00, ...nothing, tlvs: [{ type: 0x04, value: octets(1) }] }, "ERR_SOCKS_BAD_FIELD"],
    [{ tlvs: [{ type: 0x100, value: octets(1) }] }, "ERR_SOCKS_BAD_FIELD"],
    [{ tlvs: [{ type: 0x04, value: octets(65_536) }] }, "ERR_SOCKS_OVERFLOW"],
    [{ tlvs: [{ type: 0x03, value: octets(3) }] }, "ERR_SOCKS_BAD_FIELD"],
    [{ tlvs: [1, 2].map(() => ({ type: 0x03, value: octets(4) })) }, "ERR_SOCKS_BAD_FIELD"],
    [{ version: 1, cmd: 0x00 }, "ERR_SOCKS_BAD_FIELD"],
    [{ version: 1, tlvs: [{ type: 0x04, value: octets(1) }] }, "ERR_SOCKS_BAD_FIELD"],
    [{ version: 1, family: 0x12 }, "ERR_SOCKS_BAD_FIELD"],
    [{ version: 1, family: 0x00 }, "ERR_SOCKS_BAD_FIELD"],
    [{ version: 1, family: 0x21 }, "ERR_SOCKS_BAD_ADDRESS"],
    [{ version: 1, srcAddr: octets(17) }, "ERR_SOCKS_OVERFLOW"],
    [{ version: 1, dstPort: -1 }, "ERR_SOCKS_BAD_PORT"],
  ])("%o", (fields, code) => {
    expect(attempt(fields)).toThrow(local(code));
  });

  test("more than 4096 octets", () => {
    const filler = (length: number): object => ({ tlvs: [{ type: 0x04, value: octets(length) }] });
    expect(attempt(filler(4096 - 28 - 3))()).toHaveLength(4096);
    expect(attempt(filler(4096 - 28 - 2))).toThrow(local("ERR_SOCKS_OVERFLOW"));
  });
});

test("a header of more than 4096 octets is taken when that is allowed", () => {
  const signature = encodeProxyHeader(tcp4).slice(0, 14);
  const bytes = Uint8Array.of(...signature, 0xff, 0xff, ...octets(12), 0x04, 0xff, 0xf0, ...octets(0xfff0));
  expect(() => decodeProxyHeader(bytes)).toThrow(expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW" }));
  expect(decodeProxyHeader(bytes, 0, { maxLength: 16 + 0xffff })?.byteLength).toBe(16 + 0xffff);
  expect(() => decodeProxyHeader(bytes, 0, { maxLength: Number.NaN })).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW" }),
  );
});

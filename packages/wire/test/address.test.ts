import { addressVectors } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import {
  ATYP,
  addressFields,
  addressFromFields,
  domainAddress,
  embeddedIpv4,
  ipv4Address,
  ipv6Address,
  isUnspecified,
  parseAddress,
  unmapAddress,
  withPort,
} from "../src/index.ts";
import type { Ipv6Address } from "../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number): Uint8Array => new Uint8Array(length);

describe("the IPv4 address inside an IPv6 address", () => {
  test.each(addressVectors().embedded)("$text", ({ text, ipv4 }) => {
    const inside = embeddedIpv4(parseAddress(text, 80) as Ipv6Address);
    expect(inside?.host ?? null).toBe(ipv4);
    if (inside !== undefined) expect(inside).toEqual(parseAddress(ipv4 as string, 80));
  });
});

test("only an IPv4-mapped address is the IPv4 address", () => {
  expect(unmapAddress(parseAddress("::ffff:192.0.2.1", 80))).toEqual(parseAddress("192.0.2.1", 80));
  for (const text of ["::192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::", "::ffff:0:192.0.2.1", "192.0.2.1", "a"]) {
    const address = parseAddress(text, 80);
    expect(unmapAddress(address)).toBe(address);
  }
});

test("unspecified addresses", () => {
  for (const text of ["0.0.0.0", "::", "::ffff:0.0.0.0", "::%eth0"]) {
    expect(isUnspecified(parseAddress(text, 80)), text).toBe(true);
  }
  for (const text of ["0.0.0.1", "::1", "::ffff:0.0.0.1", "1::", "::fffe:0:0", "127.0.0.1", "localhost"]) {
    expect(isUnspecified(parseAddress(text, 80)), text).toBe(false);
  }
});

test("an address keeps no reference to the octets it is made from", () => {
  for (const [make, length] of [
    [ipv4Address, 4],
    [ipv6Address, 16],
  ] as const) {
    for (const input of [octets(length), Buffer.alloc(length)]) {
      const address = make(input, 80);
      input.fill(0xff);
      expect(address.octets).toEqual(octets(length));
    }
  }
});

test("octets of another length make no address", () => {
  for (const length of [0, 3, 5, 16]) {
    expect(() => ipv4Address(octets(length), 80)).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
  }
  for (const length of [0, 4, 15, 17]) {
    expect(() => ipv6Address(octets(length), 80)).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
  }
  for (const zone of ["", "a b", "a%b", "a]", "\n", "z".repeat(65)]) {
    expect(() => ipv6Address(octets(16), 80, zone)).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
  }
  for (const port of [-1, 65_536, 1.5]) {
    expect(() => ipv4Address(octets(4), port)).toThrow(local("ERR_SOCKS_BAD_PORT"));
    expect(() => ipv6Address(octets(16), port)).toThrow(local("ERR_SOCKS_BAD_PORT"));
    expect(() => domainAddress("a", port)).toThrow(local("ERR_SOCKS_BAD_PORT"));
    expect(() => withPort(parseAddress("a", 1), port)).toThrow(local("ERR_SOCKS_BAD_PORT"));
  }
});

test("another port", () => {
  for (const text of ["192.0.2.1", "fe80::1%eth0", "a.example"]) {
    expect(withPort(parseAddress(text, 80), 443)).toEqual(parseAddress(text, 443));
  }
});

test("the fields of an address are its octets; a zone is never sent", () => {
  expect(addressFields(parseAddress("192.0.2.1", 80))).toEqual({ atyp: 0x01, addr: Uint8Array.of(192, 0, 2, 1) });
  expect(addressFields(parseAddress("a.b", 80))).toEqual({ atyp: 0x03, addr: Uint8Array.of(0x61, 0x2e, 0x62) });
  const linkLocal = addressFields(parseAddress("fe80::1%eth0", 80));
  expect(linkLocal.atyp).toBe(0x04);
  expect(addressFromFields(linkLocal.atyp, linkLocal.addr, 80)).toEqual(parseAddress("fe80::1", 80));
});

test("fields that no message has", () => {
  const remote = (code: string, rep: number): Error =>
    expect.objectContaining({ name: "WireError", code, side: "remote", rep }) as Error;
  for (const length of [0, 3, 5, 16]) {
    expect(() => addressFromFields(ATYP.ipv4, octets(length), 80)).toThrow(remote("ERR_SOCKS_BAD_ADDRESS", 0x01));
  }
  for (const length of [0, 4, 15, 17]) {
    expect(() => addressFromFields(ATYP.ipv6, octets(length), 80)).toThrow(remote("ERR_SOCKS_BAD_ADDRESS", 0x01));
  }
  for (const atyp of [0x00, 0x02, 0x05, 0xff]) {
    expect(() => addressFromFields(atyp, octets(4), 80)).toThrow(remote("ERR_SOCKS_BAD_ATYP", 0x08));
  }
  expect(() => addressFromFields(ATYP.ipv4, octets(4), 65_536)).toThrow(local("ERR_SOCKS_BAD_PORT"));
  expect(() => addressFromFields(ATYP.domainName, Uint8Array.of(0x61), 65_536)).toThrow(local("ERR_SOCKS_BAD_PORT"));
});

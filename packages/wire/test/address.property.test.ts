import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { arbitraryOctets } from "@sockskit/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as wire from "../src/index.ts";
import type { Address, IpAddress } from "../src/index.ts";

/** Text that is nearly an address, or is one. */
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789.:[]%xXabfF-")), maxLength: 24 }),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.ipV6().map((text) => `[${text}]`),
  fc.ipV6().map((text) => `${text}%1`),
  fc.domain(),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const ip = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), sparse(16), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((octets): IpAddress => (octets.length === 4 ? wire.ipv4Address(octets, 0) : wire.ipv6Address(octets, 0)));

/** Octets of which many are zero. */
function sparse(length: number): fc.Arbitrary<Uint8Array> {
  const octet = fc.constantFrom(0x00, 0x00, 0x00, 0x01, 0xff);
  return fc.array(octet, { minLength: length, maxLength: length }).map((octets) => Uint8Array.from(octets));
}

function checkCanonical(address: Address): void {
  expect(wire.parseHostPort(wire.formatAddress(address))).toEqual(address);
  expect(structuredClone(address)).toEqual(address);
  const { atyp, addr } = wire.addressFields(address);
  if (address.type !== "ipv6") expect(wire.addressFromFields(atyp, addr, address.port)).toEqual(address);
  if (address.type !== "domain") {
    expect(isIP(address.host)).toBe(address.type === "ipv4" ? 4 : 6);
    return;
  }
  expect(address.host).toMatch(/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/);
  expect(new TextDecoder().decode(address.octets)).toBe(address.host);
  expect(address.host.length).toBeLessThanOrEqual(253);
}

test("any text is an address that can be written and read again, or a WireError", () => {
  fc.assert(
    fc.property(nearly, fc.nat({ max: 0xffff }), (text, port) => {
      let address: Address;
      try {
        address = wire.parseAddress(text, port);
      } catch (error) {
        expect(error).toMatchObject({ name: "WireError", code: "ERR_SOCKS_BAD_ADDRESS", side: "local" });
        return;
      }
      checkCanonical(address);
    }),
    { numRuns: 2_000 },
  );
});

test("Node and this package agree on what is an IP address", () => {
  fc.assert(
    fc.property(nearly, (text) => {
      const inner = text.replace(/^\[(.*:.*)\]$/, "$1");
      const type = wire.parseIpAddress(text)?.type;
      if (inner.includes("%")) return;
      expect(type === "ipv4").toBe(isIPv4(text));
      expect(type === "ipv6").toBe(isIPv6(inner));
    }),
    { numRuns: 2_000 },
  );
});

test("no name is one that a URL parser takes for an IPv4 address", () => {
  const numeric = fc
    .array(fc.constantFrom("0", "1", "127", "0x7f", "0x", "0X1", "017", "256", "a", "4294967295", "x", "_"), {
      minLength: 1,
      maxLength: 5,
    })
    .map((labels) => labels.join("."));
  fc.assert(
    fc.property(fc.oneof(numeric, nearly), (text) => {
      try {
        const address = wire.parseAddress(text, 80);
        if (address.type === "domain") expect(isIPv4(new URL(`http://${address.host}`).hostname)).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(wire.WireError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("IPv6 addresses are written as a URL parser writes them, but for the dotted quad", () => {
  fc.assert(
    fc.property(sparse(16), (octets) => {
      const { host } = wire.ipv6Address(octets, 0);
      const expected = new URL(`http://[${host}]`).hostname;
      expect(new URL(`http://[${expected.slice(1, -1)}]`).hostname).toBe(expected);
      if (!host.includes(".")) expect(`[${host}]`).toBe(expected);
      expect(wire.parseIpAddress(expected)?.octets).toEqual(octets);
    }),
    { numRuns: 2_000 },
  );
});

test("whatever is in the fields of a message, it is an address or a WireError that can be answered", () => {
  const atyp = fc.oneof(fc.constantFrom(0x01, 0x03, 0x04), fc.nat({ max: 0xff }));
  const addr = fc.oneof(
    nearly.map((text) => new TextEncoder().encode(text).slice(0, 255)),
    arbitraryOctets({ maxLength: 255 }),
  );
  fc.assert(
    fc.property(atyp, addr, fc.nat({ max: 0xffff }), (type, octets, port) => {
      let address: Address;
      try {
        address = wire.addressFromFields(type, octets, port);
      } catch (error) {
        expect(error).toMatchObject({ name: "WireError", side: "remote" });
        expect([0x01, 0x08]).toContain((error as wire.WireError).rep);
        return;
      }
      expect(address.port).toBe(port);
      expect("zone" in address).toBe(false);
      expect(wire.unmapAddress(address)).toBe(address);
      checkCanonical(address);
    }),
    { numRuns: 3_000 },
  );
});

test("networks contain what Node's BlockList contains", () => {
  fc.assert(
    fc.property(ip, ip, fc.nat({ max: 128 }), (base, other, length) => {
      const prefixLength = Math.min(length, base.octets.length * 8);
      const text = `${base.host}/${prefixLength}`;
      const network = wire.parseNetwork(text);
      expect(wire.parseNetwork(wire.formatNetwork(network))).toEqual(network);
      const plain = wire.unmapAddress(base) === base && wire.unmapAddress(other) === other;
      if (!plain || network.type !== base.type) return;
      const list = new BlockList();
      list.addSubnet(base.host, prefixLength, base.type);
      expect(wire.networkContains(network, base)).toBe(true);
      const expected = other.type === base.type && list.check(other.host, other.type);
      expect(wire.networkContains(network, other)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

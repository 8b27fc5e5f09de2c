import { describe, expect, test } from "vitest";
import { formatNetwork, networkContains, parseAddress, parseNetwork } from "../src/index.ts";
import type { IpAddress } from "../src/index.ts";

const ip = (text: string): IpAddress => parseAddress(text, 0) as IpAddress;

test.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["203.123.0.0/255.255.0.0", "203.123.0.0/16"],
  ["10.0.0.0/255.0.0.0", "10.0.0.0/8"],
  ["192.0.2.1", "192.0.2.1/32"],
  ["192.0.2.1/32", "192.0.2.1/32"],
  ["192.0.2.1/255.255.255.255", "192.0.2.1/32"],
  ["255.255.255.255/0", "0.0.0.0/0"],
  ["255.255.255.255/0.0.0.0", "0.0.0.0/0"],
  ["192.0.2.255/31", "192.0.2.254/31"],
  ["2001:DB8::1/32", "2001:db8::/32"],
  ["[2001:db8::1]/33", "2001:db8::/33"],
  ["ffff::/1", "8000::/1"],
  ["::/0", "::/0"],
  ["::1", "::1/128"],
  ["[::1]", "::1/128"],
  ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["::ffff:0:0/96", "0.0.0.0/0"],
  ["::ffff:10.1.2.3", "10.1.2.3/32"],
])("%s is %s", (text, canonical) => {
  expect(formatNetwork(parseNetwork(text))).toBe(canonical);
  expect(structuredClone(parseNetwork(text))).toEqual(parseNetwork(canonical));
});

test.each([
  "",
  "/",
  "/8",
  "10.0.0.0/",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/08",
  "10.0.0.0/8 ",
  "10.0.0.0/8/8",
  "10.0.0.0/0x8",
  "10.0.0.0/255.0.255.0",
  "10.0.0.0/0.0.0.255",
  "10.0.0.0/255.255.255.256",
  "10/8",
  "10.0.0/8",
  "0x0a.0.0.0/8",
  "012.0.0.0/8",
  "::/129",
  "::/255.255.255.255",
  "[::/0]",
  "fe80::1%eth0/64",
  "example.com/8",
  "*",
])("%j is none", (text) => {
  expect(() => parseNetwork(text)).toThrow(
    expect.objectContaining({ name: "WireError", code: "ERR_SOCKS_BAD_ADDRESS", side: "local" }) as Error,
  );
});

test("what is no string is none", () => {
  expect(() => parseNetwork(undefined as unknown as string)).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_BAD_ADDRESS" }) as Error,
  );
});

describe("contains", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["10.0.0.0/8", "::10.0.0.1", false],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "10.0.0.1", false],
    ["::/0", "::ffff:10.0.0.1", false],
    ["::/0", "2001:db8::1", true],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.128", true],
    ["192.0.2.1/32", "192.0.2.1", true],
    ["192.0.2.1/32", "192.0.2.0", false],
    ["fe80::/10", "febf::1%eth0", true],
    ["fe80::/10", "fec0::1", false],
    ["::1/128", "::1", true],
    ["::1/128", "::", false],
    ["::ffff:127.0.0.0/104", "127.9.9.9", true],
  ] as const)("%s %s: %s", (network, address, expected) => {
    expect(networkContains(parseNetwork(network), ip(address))).toBe(expected);
  });
});

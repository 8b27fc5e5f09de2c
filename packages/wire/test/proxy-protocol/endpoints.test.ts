import { expect, test } from "vitest";
import {
  type IpAddress,
  type ProxyHeaderOptions,
  decodeProxyHeader,
  encodeProxyHeader,
  formatAddress,
  parseHostPort,
  proxyEndpoints,
  proxyHeaderFor,
} from "../../src/index.ts";

const ip = (text: string): IpAddress => parseHostPort(text) as IpAddress;

/** The ends that arrive when these are announced. */
function announced(options: ProxyHeaderOptions, transport?: "tcp" | "udp"): string | undefined {
  const header = decodeProxyHeader(encodeProxyHeader(proxyHeaderFor(options)));
  const ends = header === undefined ? undefined : proxyEndpoints(header.value, transport);
  return ends && `${formatAddress(ends.source)} ${formatAddress(ends.destination)}`;
}

test.each([
  ["192.0.2.33:49200", "198.51.100.7:1080", "192.0.2.33:49200 198.51.100.7:1080"],
  ["[2001:db8::33]:49200", "[2001:db8::7]:0", "[2001:db8::33]:49200 [2001:db8::7]:0"],
  ["192.0.2.33:1", "[2001:db8::7]:2", "192.0.2.33:1 [2001:db8::7]:2"],
  ["[2001:db8::33]:1", "198.51.100.7:2", "[2001:db8::33]:1 198.51.100.7:2"],
  ["[::ffff:192.0.2.33]:1", "[::ffff:198.51.100.7]:2", "192.0.2.33:1 198.51.100.7:2"],
  ["[fe80::1%eth0]:1", "[fe80::2]:2", "[fe80::1]:1 [fe80::2]:2"],
])("%s to %s, in both versions", (source, destination, expected) => {
  const ends = { source: ip(source), destination: ip(destination) };
  expect(announced({ ...ends, version: 1 })).toBe(expected);
  expect(announced({ ...ends, version: 2 })).toBe(expected);
  expect(announced({ ...ends, transport: "udp" }, "udp")).toBe(expected);
});

test("the line is the one of the document's grammar", () => {
  const ends = { source: ip("192.0.2.33:1"), destination: ip("[2001:db8::7]:2") };
  const line = new TextDecoder().decode(encodeProxyHeader(proxyHeaderFor({ ...ends, version: 1 })));
  expect(line).toBe("PROXY TCP6 ::ffff:c000:221 2001:db8::7 1 2\r\n");
});

test("TLVs travel", () => {
  const tlvs = [{ type: 0x02, value: new TextEncoder().encode("socks.example.com") }];
  const header = proxyHeaderFor({ source: ip("192.0.2.1:1"), destination: ip("192.0.2.2:2"), tlvs });
  expect(decodeProxyHeader(encodeProxyHeader(header))?.value.tlvs).toEqual(tlvs);
});

test("the connection's own ends count for another transport, LOCAL, UNKNOWN and Unix sockets", () => {
  const ends = { source: ip("192.0.2.1:1"), destination: ip("192.0.2.2:2") };
  expect(announced(ends, "udp")).toBeUndefined();
  expect(announced({ ...ends, transport: "udp" })).toBeUndefined();
  const none = { srcAddr: new Uint8Array(0), dstAddr: new Uint8Array(0), srcPort: 0, dstPort: 0, tlvs: [] };
  expect(proxyEndpoints({ version: 2, cmd: 0x00, family: 0x11, ...none })).toBeUndefined();
  expect(proxyEndpoints({ version: 1, cmd: 0x01, family: 0x00, ...none })).toBeUndefined();
  expect(proxyEndpoints({ version: 2, cmd: 0x01, family: 0x31, ...none })).toBeUndefined();
});

// Numbers of HAProxy's "The PROXY protocol, Versions 1 & 2", section 2.2.

import { nameIn } from "../internal/name-in.ts";

/** Command of a {@link ProxyHeader}: the low half of the 13th octet, PROXY protocol section 2.2. */
export const PROXY_CMD = {
  local: 0x00,
  proxy: 0x01,
} as const;

/** Address family and transport of a {@link ProxyHeader}: the 14th octet, PROXY protocol section 2.2. */
export const PROXY_FAMILY = {
  unspecified: 0x00,
  tcpOverIpv4: 0x11,
  udpOverIpv4: 0x12,
  tcpOverIpv6: 0x21,
  udpOverIpv6: 0x22,
  unixStream: 0x31,
  unixDatagram: 0x32,
} as const;

/**
 * Types of a {@link ProxyTlv}, PROXY protocol section 2.2. E0 to EF are for applications, F0 to F7 for
 * experiments. The `ssl...` types from 21 on stand inside the value of `ssl`.
 */
export const PROXY_TLV = {
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
} as const;

/** Name of a type in {@link PROXY_TLV}; `undefined` when the number has none. */
export function proxyTlvName(type: number): keyof typeof PROXY_TLV | undefined {
  return nameIn(PROXY_TLV, type);
}

// Numbers of HAProxy's "The PROXY protocol, Versions 1 & 2", section 2.2.

import { nameIn } from "../internal/name-in.ts";

/** Command of a {@link ProxyHeader}: the low half of the 13th octet, PROXY protocol section 2.2. */
export const PROXY_CMD = {
  /** The sender's own connection, such as a health check: nothing is announced. */
  local: 0x00,
  /** A connection of somebody else, whose ends are announced. */
  proxy: 0x01,
} as const;

/** Address family and transport of a {@link ProxyHeader}: the 14th octet, PROXY protocol section 2.2. */
export const PROXY_FAMILY = {
  /** Nothing is said; `UNKNOWN` of version 1. */
  unspecified: 0x00,
  /** TCP over IPv4; `TCP4` of version 1. */
  tcpOverIpv4: 0x11,
  /** UDP over IPv4. */
  udpOverIpv4: 0x12,
  /** TCP over IPv6; `TCP6` of version 1. */
  tcpOverIpv6: 0x21,
  /** UDP over IPv6. */
  udpOverIpv6: 0x22,
  /** A Unix stream socket. */
  unixStream: 0x31,
  /** A Unix datagram socket. */
  unixDatagram: 0x32,
} as const;

/**
 * Types of a {@link ProxyTlv}, PROXY protocol section 2.2. E0 to EF are for applications, F0 to F7 for
 * experiments. The `ssl...` types from 21 on stand inside the value of `ssl`.
 */
export const PROXY_TLV = {
  /** Protocol negotiated by ALPN. */
  alpn: 0x01,
  /** Host name that the client asked for, UTF-8. */
  authority: 0x02,
  /** Checksum of the whole header, 4 octets. */
  crc32c: 0x03,
  /** Padding. */
  noop: 0x04,
  /** Opaque id of the connection, at most 128 octets. */
  uniqueId: 0x05,
  /** TLS of the client: one octet of flags, 4 of the verification's result, then further TLVs. */
  ssl: 0x20,
  /** TLS version as text. */
  sslVersion: 0x21,
  /** Common name of the client's certificate, UTF-8. */
  sslCommonName: 0x22,
  /** Cipher as text. */
  sslCipher: 0x23,
  /** Algorithm that signed the certificate. */
  sslSignatureAlgorithm: 0x24,
  /** Algorithm of the certificate's key. */
  sslKeyAlgorithm: 0x25,
  /** Group of the key exchange. */
  sslKeyExchangeGroup: 0x26,
  /** Scheme of the handshake's signature. */
  sslSignatureScheme: 0x27,
  /** The client's certificate, DER. */
  sslClientCertificate: 0x28,
  /** Name of the sender's network namespace, ASCII. */
  networkNamespace: 0x30,
} as const;

/** Name of a type in {@link PROXY_TLV}; `undefined` when the number has none. */
export function proxyTlvName(type: number): keyof typeof PROXY_TLV | undefined {
  return nameIn(PROXY_TLV, type);
}

import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { decodeBinaryHeader, encodeBinaryHeader } from "./binary-header.ts";
import { decodeTextHeader, encodeTextHeader } from "./text-header.ts";
import type { ProxyTlv } from "./tlv.ts";

/** Most octets of a {@link ProxyHeader} of version 2 that are sent, and taken unless told otherwise. */
export const MAX_PROXY_HEADER_LENGTH = 0x1000;

/**
 * What a balancer says about a connection before its first octet, HAProxy's "The PROXY protocol, Versions
 * 1 & 2". Whether a connection begins with one is configuration, never a guess: whoever may send one may
 * claim any address.
 *
 * Version 1 (section 2.1) is a line: `PROXY TCP4 192.0.2.33 198.51.100.7 49200 1080` or `PROXY UNKNOWN`.
 *
 * Version 2 (section 2.2):
 *
 * | signature                           | version, command | family, transport | LEN | addresses    | TLVs |
 * |-------------------------------------|------------------|-------------------|-----|--------------|------|
 * | 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A | 2x               | 1                 | 2   | 0, 12, 36, 216 |    |
 */
export interface ProxyHeader {
  /** Version of the PROXY protocol. */
  readonly version: 1 | 2;
  /** Command; see {@link PROXY_CMD}. Always `0x01` in version 1. */
  readonly cmd: number;
  /** Address family and transport; see {@link PROXY_FAMILY}. `TCP4`, `TCP6` and `UNKNOWN` of version 1 are 11, 21, 00. */
  readonly family: number;
  /** Where the connection came from: 4, 16 or 108 octets (a path with NULs behind it); empty when nothing is said. */
  readonly srcAddr: Uint8Array;
  /** Where it went to; of the same length. */
  readonly dstAddr: Uint8Array;
  /** Port that it came from; zero when nothing is said. */
  readonly srcPort: number;
  /** Port that it went to; zero when nothing is said. */
  readonly dstPort: number;
  /** What else is said, in the order of the header. Always empty in version 1. */
  readonly tlvs: readonly ProxyTlv[];
}

/** Limits of {@link decodeProxyHeader}. */
export interface ProxyHeaderLimits {
  /** Versions to take. Default: both. */
  readonly versions?: readonly (1 | 2)[];
  /** Most octets of a header of version 2. Default: 4096. One of version 1 has at most 107. */
  readonly maxLength?: number;
}

/**
 * Decodes a {@link ProxyHeader} that begins at `offset`. What comes behind it belongs to the next protocol.
 *
 * - Without addresses come: version 1 `UNKNOWN`, the command LOCAL, and families that are valid but have none.
 *   What such a header holds is skipped, as the document says, and so are its TLVs.
 * - A checksum TLV must be right.
 * - A line of version 1 is judged when it is whole. Deviation: the last 32 bits of an IPv6 address may be a
 *   dotted quad, because that is how HAProxy writes IPv4-mapped addresses.
 *
 * @returns `undefined` while `bytes` ends before the header does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION` (neither version, or one that is not taken), `ERR_SOCKS_BAD_ADDRESS`,
 *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_FIELD` (any other field, a TLV over the end, a wrong checksum),
 *   `ERR_SOCKS_OVERFLOW`.
 */
export function decodeProxyHeader(
  bytes: Uint8Array,
  offset = 0,
  limits?: ProxyHeaderLimits,
): Decoded<ProxyHeader> | undefined {
  const first = bytes[offset];
  if (first === undefined) return undefined;
  const version = first === 0x50 ? 1 : first === 0x0d ? 2 : undefined;
  if (version === undefined || limits?.versions?.includes(version) === false) {
    throw new WireError("ERR_SOCKS_BAD_VERSION", `expected a PROXY header, but the first octet is ${hexOctet(first)}`, {
      side: "remote",
    });
  }
  return version === 1
    ? decodeTextHeader(bytes, offset)
    : decodeBinaryHeader(bytes, offset, limits?.maxLength ?? MAX_PROXY_HEADER_LENGTH);
}

/**
 * Encodes a {@link ProxyHeader}. Send it in one piece, right after connecting.
 *
 * The value of a checksum TLV, four octets of any content, is filled in.
 *
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_ADDRESS` (addresses that the family cannot have),
 *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_FIELD` (what version 1 cannot say, a number outside an octet),
 *   `ERR_SOCKS_OVERFLOW`.
 */
export function encodeProxyHeader(value: ProxyHeader): Uint8Array {
  if (value.version === 1) return encodeTextHeader(value);
  if (value.version === 2) return encodeBinaryHeader(value, MAX_PROXY_HEADER_LENGTH);
  throw new WireError("ERR_SOCKS_BAD_VERSION", `the version is ${String(value.version)}; expected 1 or 2`, {
    side: "local",
  });
}

import { SOCKS4_REPLY_VERSION, SOCKS4_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkOctets, checkPort, copyOctets, putOctets } from "../internal/octets.ts";

/** Length of every {@link Socks4Reply}: VN CD DSTPORT DSTIP. */
export const MAX_SOCKS4_REPLY_LENGTH: number = 1 + 1 + 2 + 4;

/**
 * Reply to a SOCKS 4 or 4A request. "SOCKS: A protocol for TCP proxy across firewalls", which is no RFC.
 *
 * | VN | CD | DSTPORT | DSTIP |
 * |----|----|---------|-------|
 * | 00 | 1  | 2       | 4     |
 */
export interface Socks4Reply {
  /** `CD`; any octet, see {@link SOCKS4_CD} for the assigned ones. `0x5a` is success, everything else failure. */
  readonly cd: number;
  /** `DSTPORT`, 0 to 65535; means something in the first reply to BIND only. */
  readonly dstPort: number;
  /** `DSTIP`, 4 octets; means something in the first reply to BIND only. */
  readonly dstIp: Uint8Array;
}

/** How {@link decodeSocks4Reply} reads. */
export interface Socks4ReplyOptions {
  /** Whether `VN` 0x04 is accepted besides 0x00. Default: false. */
  readonly lenientVersion?: boolean;
}

/**
 * Decodes a {@link Socks4Reply} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`.
 */
export function decodeSocks4Reply(
  bytes: Uint8Array,
  offset = 0,
  options?: Socks4ReplyOptions,
): Decoded<Socks4Reply> | undefined {
  if (bytes.length <= offset) return undefined;
  const version = bytes[offset];
  if (version !== SOCKS4_REPLY_VERSION && !(version === SOCKS4_VERSION && options?.lenientVersion === true)) {
    throw new WireError("ERR_SOCKS_BAD_VERSION", `reply begins with ${hexOctet(version as number)}; expected 0x00`, {
      side: "remote",
    });
  }
  if (bytes.length < offset + 8) return undefined;
  return {
    value: {
      cd: bytes[offset + 1] as number,
      dstPort: ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number),
      dstIp: copyOctets(bytes, offset + 4, offset + 8),
    },
    byteLength: 8,
  };
}

/**
 * Encodes a {@link Socks4Reply}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_OVERFLOW`.
 */
export function encodeSocks4Reply(value: Socks4Reply): Uint8Array {
  checkOctet(value.cd, "CD");
  checkPort(value.dstPort, "DSTPORT");
  checkOctets(value.dstIp, "DSTIP", 4, 4);
  const bytes = new Uint8Array(8);
  bytes[0] = SOCKS4_REPLY_VERSION;
  bytes[1] = value.cd;
  bytes[2] = value.dstPort >>> 8;
  bytes[3] = value.dstPort & 0xff;
  putOctets(bytes, 4, value.dstIp);
  return bytes;
}

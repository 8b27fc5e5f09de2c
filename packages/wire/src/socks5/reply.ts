import { SOCKS5_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { addrEnd, addrLength, addrStart, putAddr, unknownAtyp } from "../internal/addr.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkPort, copyOctets } from "../internal/octets.ts";

/** Longest {@link Socks5Reply}: VER REP RSV ATYP, one length octet, 255 octets of name, port. */
export const MAX_SOCKS5_REPLY_LENGTH: number = 4 + 1 + 255 + 2;

/**
 * Reply to a request, RFC 1928 section 6.
 *
 * | VER | REP | RSV | ATYP | BND.ADDR | BND.PORT |
 * |-----|-----|-----|------|----------|----------|
 * | 05  | 1   | 00  | 1    | variable | 2        |
 *
 * Deviation: `RSV` is written as `0x00` and looked at only when the decoder is told to.
 */
export interface Socks5Reply {
  /** `REP`; any octet, see {@link REP} for the assigned ones. */
  readonly rep: number;
  /** `ATYP`; see {@link ATYP}. */
  readonly atyp: number;
  /** `BND.ADDR`: 4 or 16 octets of address, or a domain name without its length octet. */
  readonly bndAddr: Uint8Array;
  /** `BND.PORT`, 0 to 65535. */
  readonly bndPort: number;
}

/** How {@link decodeSocks5Reply} reads. */
export interface Socks5ReplyOptions {
  /** Whether a non-zero `RSV` is an error. Default: false. */
  readonly strictReserved?: boolean;
}

/**
 * Decodes a {@link Socks5Reply} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_FIELD` (`strictReserved` only).
 */
export function decodeSocks5Reply(
  bytes: Uint8Array,
  offset = 0,
  options?: Socks5ReplyOptions,
): Decoded<Socks5Reply> | undefined {
  const length = bytes.length;
  if (length <= offset) return undefined;
  if (bytes[offset] !== SOCKS5_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `reply begins with ${hexOctet(bytes[offset] as number)}; expected 0x05`,
      {
        side: "remote",
      },
    );
  }
  if (options?.strictReserved === true && length > offset + 2 && bytes[offset + 2] !== 0x00) {
    throw new WireError(
      "ERR_SOCKS_BAD_FIELD",
      `RSV of the reply is ${hexOctet(bytes[offset + 2] as number)}; expected 0x00`,
      {
        side: "remote",
      },
    );
  }
  if (length < offset + 4) return undefined;
  const atyp = bytes[offset + 3] as number;
  const start = addrStart(atyp, offset + 4);
  if (start < 0) throw unknownAtyp(atyp, { side: "remote" });
  const end = addrEnd(atyp, bytes, offset + 4);
  if (end < 0 || length < end + 2) return undefined;
  return {
    value: {
      rep: bytes[offset + 1] as number,
      atyp,
      bndAddr: copyOctets(bytes, start, end),
      bndPort: ((bytes[end] as number) << 8) | (bytes[end + 1] as number),
    },
    byteLength: end + 2 - offset,
  };
}

/**
 * Encodes a {@link Socks5Reply}.
 *
 * @throws WireError `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_ADDRESS` (a length that `ATYP` does not have),
 *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW`.
 */
export function encodeSocks5Reply(value: Socks5Reply): Uint8Array {
  checkOctet(value.rep, "REP");
  checkPort(value.bndPort, "BND.PORT");
  const bytes = new Uint8Array(4 + addrLength(value.atyp, value.bndAddr, "BND.ADDR") + 2);
  bytes[0] = SOCKS5_VERSION;
  bytes[1] = value.rep;
  putAddr(bytes, 3, value.atyp, value.bndAddr, value.bndPort);
  return bytes;
}

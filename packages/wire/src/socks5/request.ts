import { REP, SOCKS5_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { addrEnd, addrLength, addrStart, putAddr, unknownAtyp } from "../internal/addr.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkPort, copyOctets } from "../internal/octets.ts";

/** Longest {@link Socks5Request}: VER CMD RSV ATYP, one length octet, 255 octets of name, port. */
export const MAX_SOCKS5_REQUEST_LENGTH: number = 4 + 1 + 255 + 2;

/**
 * What a client asks for, RFC 1928 section 4.
 *
 * | VER | CMD | RSV | ATYP | DST.ADDR | DST.PORT |
 * |-----|-----|-----|------|----------|----------|
 * | 05  | 1   | 00  | 1    | variable | 2        |
 *
 * Deviation: `RSV` is written as `0x00` and not looked at when it arrives.
 */
export interface Socks5Request {
  /** `CMD`; any octet, see {@link CMD} for the assigned ones. */
  readonly cmd: number;
  /** `ATYP`; see {@link ATYP}. */
  readonly atyp: number;
  /** `DST.ADDR`: 4 or 16 octets of address, or a domain name without its length octet. */
  readonly dstAddr: Uint8Array;
  /** `DST.PORT`, 0 to 65535. */
  readonly dstPort: number;
}

/**
 * Decodes a {@link Socks5Request} that begins at `offset`.
 *
 * The octets of a name are taken as they are, an empty name included; `addressFromFields` judges them.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION` (`rep` 0x01), `ERR_SOCKS_BAD_ATYP` (`rep` 0x08, from the fourth octet on).
 */
export function decodeSocks5Request(bytes: Uint8Array, offset = 0): Decoded<Socks5Request> | undefined {
  const length = bytes.length;
  if (length <= offset) return undefined;
  if (bytes[offset] !== SOCKS5_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `request begins with ${hexOctet(bytes[offset] as number)}; expected 0x05`,
      {
        side: "remote",
        rep: REP.generalSocksServerFailure,
      },
    );
  }
  if (length < offset + 4) return undefined;
  const atyp = bytes[offset + 3] as number;
  const start = addrStart(atyp, offset + 4);
  if (start < 0) throw unknownAtyp(atyp, { side: "remote", rep: REP.addressTypeNotSupported });
  const end = addrEnd(atyp, bytes, offset + 4);
  if (end < 0 || length < end + 2) return undefined;
  return {
    value: {
      cmd: bytes[offset + 1] as number,
      atyp,
      dstAddr: copyOctets(bytes, start, end),
      dstPort: ((bytes[end] as number) << 8) | (bytes[end + 1] as number),
    },
    byteLength: end + 2 - offset,
  };
}

/**
 * Encodes a {@link Socks5Request}.
 *
 * @throws WireError `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_ADDRESS` (a length that `ATYP` does not have),
 *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW`.
 */
export function encodeSocks5Request(value: Socks5Request): Uint8Array {
  checkOctet(value.cmd, "CMD");
  checkPort(value.dstPort, "DST.PORT");
  const bytes = new Uint8Array(4 + addrLength(value.atyp, value.dstAddr, "DST.ADDR") + 2);
  bytes[0] = SOCKS5_VERSION;
  bytes[1] = value.cmd;
  putAddr(bytes, 3, value.atyp, value.dstAddr, value.dstPort);
  return bytes;
}

import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctets } from "../internal/octets.ts";
import { GSSAPI_VERSION, MTYP, mtypName } from "./code-points.ts";

/** Longest token of a {@link GssapiFrame}: its length has two octets. */
export const MAX_GSSAPI_TOKEN_LENGTH = 0xffff;
/** Longest {@link GssapiFrame}: VER, MTYP, LEN, 65535 octets of token. */
export const MAX_GSSAPI_FRAME_LENGTH: number = 1 + 1 + 2 + 0xffff;

const HEADER_LENGTH = 4;
const ABORT_LENGTH = 2;

/**
 * What both sides exchange in the GSS-API method and after it, RFC 1961 sections 3.4, 4.3 and 5.
 *
 * | VER | MTYP | LEN | TOKEN      |
 * |-----|------|-----|------------|
 * | 01  | 1    | 2   | 0 to 65535 |
 *
 * An abort (section 3.8) is `VER` and `MTYP` alone. Only an authentication frame may have an empty token: it says
 * that the server's side is complete (section 3.6). No mechanism wraps anything into nothing.
 */
export interface GssapiFrame {
  /** `MTYP`, one of {@link MTYP}: what another one is followed by, nobody knows. */
  readonly mtyp: number;
  /** `TOKEN`, without its length; empty for an abort. */
  readonly token: Uint8Array;
}

/**
 * Decodes a {@link GssapiFrame} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the frame does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_FIELD` (an unassigned `MTYP`; `LEN` 0 where a token must be).
 */
export function decodeGssapiFrame(bytes: Uint8Array, offset = 0): Decoded<GssapiFrame> | undefined {
  const version = bytes[offset];
  if (version === undefined) return undefined;
  if (version !== GSSAPI_VERSION) {
    const message = `a GSS-API frame begins with ${hexOctet(version)}; expected 0x01`;
    throw new WireError("ERR_SOCKS_BAD_VERSION", message, { side: "remote" });
  }
  const mtyp = bytes[offset + 1];
  if (mtyp === undefined) return undefined;
  checkMtyp(mtyp, "remote");
  if (mtyp === MTYP.abort) return { value: { mtyp, token: new Uint8Array(0) }, byteLength: ABORT_LENGTH };
  const high = bytes[offset + 2];
  const low = bytes[offset + 3];
  if (high === undefined || low === undefined) return undefined;
  const length = (high << 8) | low;
  checkLength(mtyp, length, "remote");
  const start = offset + HEADER_LENGTH;
  if (bytes.length < start + length) return undefined;
  // Not slice(), which shares memory with a Buffer.
  const token = new Uint8Array(length);
  token.set(bytes.subarray(start, start + length));
  return { value: { mtyp, token }, byteLength: HEADER_LENGTH + length };
}

/**
 * Encodes a {@link GssapiFrame}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (an unassigned `MTYP`, a token where none can be or none where one must be),
 *   `ERR_SOCKS_OVERFLOW` (a token of more than 65535 octets: there is no fragmentation).
 */
export function encodeGssapiFrame({ mtyp, token }: GssapiFrame): Uint8Array {
  checkMtyp(mtyp, "local");
  if (mtyp === MTYP.abort) {
    checkOctets(token, "TOKEN", 0, MAX_GSSAPI_TOKEN_LENGTH);
    if (token.length > 0) {
      throw new WireError("ERR_SOCKS_BAD_FIELD", "an abort has no TOKEN; expected an empty one", { side: "local" });
    }
    return Uint8Array.of(GSSAPI_VERSION, mtyp);
  }
  checkOctets(token, "TOKEN", 0, MAX_GSSAPI_TOKEN_LENGTH);
  const bytes = new Uint8Array(HEADER_LENGTH + token.length);
  bytes.set(encodeGssapiHeader({ mtyp, length: token.length }));
  bytes.set(token, HEADER_LENGTH);
  return bytes;
}

/** The first four octets of a {@link GssapiFrame}, for who sends its token from where it is. */
export interface GssapiHeader {
  /** `MTYP`, but for an abort. */
  readonly mtyp: number;
  /** `LEN`: octets of the token. */
  readonly length: number;
}

/**
 * Encodes `VER`, `MTYP` and `LEN`; the token follows.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW` (more than 65535 octets of token).
 */
export function encodeGssapiHeader({ mtyp, length }: GssapiHeader): Uint8Array {
  checkMtyp(mtyp, "local");
  if ((length & 0xffff) !== length) {
    const message = `TOKEN has ${String(length)} octets; at most 65535 fit`;
    throw new WireError("ERR_SOCKS_OVERFLOW", message, { side: "local" });
  }
  checkLength(mtyp, length, "local");
  return Uint8Array.of(GSSAPI_VERSION, mtyp, length >>> 8, length & 0xff);
}

function checkMtyp(mtyp: number, side: "local" | "remote"): void {
  if (mtypName(mtyp) !== undefined) return;
  const found = side === "remote" ? hexOctet(mtyp) : String(mtyp);
  throw new WireError("ERR_SOCKS_BAD_FIELD", `MTYP is ${found}; expected 0x01, 0x02, 0x03 or 0xff`, { side });
}

function checkLength(mtyp: number, length: number, side: "local" | "remote"): void {
  if (length > 0 || mtyp === MTYP.authentication) return;
  const message = `LEN is 0 in a frame of MTYP ${hexOctet(mtyp)}; expected 1 to 65535`;
  throw new WireError("ERR_SOCKS_BAD_FIELD", message, { side });
}

import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctets } from "../internal/octets.ts";
import { SSL_FRAME_VERSION, sslStateName } from "./code-points.ts";

/** Most octets of `DATA` in a {@link SslFrame}: their length has two octets. */
export const MAX_SSL_DATA_LENGTH = 0xffff;
/** Longest {@link SslFrame}: VER, STATE, LEN, 65535 octets of data. */
export const MAX_SSL_FRAME_LENGTH: number = 1 + 1 + 2 + 0xffff;

const HEADER_LENGTH = 4;

/**
 * A slice of the TLS stream, in both directions, draft-ietf-aft-socks-ssl-00. Frames and TLS records begin and end
 * independently of each other.
 *
 * | VER | STATE | LEN | DATA       |
 * |-----|-------|-----|------------|
 * | 01  | 1     | 2   | 0 to 65535 |
 */
export interface SslFrame {
  /** `STATE`, one of {@link SSL_STATE}. */
  readonly state: number;
  /** `DATA`, without its length. */
  readonly data: Uint8Array;
}

/**
 * Decodes a {@link SslFrame} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the frame does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_FIELD` (an unassigned `STATE`).
 */
export function decodeSslFrame(bytes: Uint8Array, offset = 0): Decoded<SslFrame> | undefined {
  const version = bytes[offset];
  if (version === undefined) return undefined;
  if (version !== SSL_FRAME_VERSION) {
    const message = `a frame of TLS inside SOCKS begins with ${hexOctet(version)}; expected 0x01`;
    throw new WireError("ERR_SOCKS_BAD_VERSION", message, { side: "remote" });
  }
  const state = bytes[offset + 1];
  if (state === undefined) return undefined;
  checkState(state, "remote");
  const high = bytes[offset + 2];
  const low = bytes[offset + 3];
  if (high === undefined || low === undefined) return undefined;
  const length = (high << 8) | low;
  const start = offset + HEADER_LENGTH;
  if (bytes.length < start + length) return undefined;
  // Not slice(), which shares memory with a Buffer.
  const data = new Uint8Array(length);
  data.set(bytes.subarray(start, start + length));
  return { value: { state, data }, byteLength: HEADER_LENGTH + length };
}

/**
 * Encodes a {@link SslFrame}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (an unassigned `STATE`), `ERR_SOCKS_OVERFLOW` (more than 65535 octets).
 */
export function encodeSslFrame({ state, data }: SslFrame): Uint8Array {
  checkState(state, "local");
  checkOctets(data, "DATA", 0, MAX_SSL_DATA_LENGTH);
  const bytes = new Uint8Array(HEADER_LENGTH + data.length);
  bytes[0] = SSL_FRAME_VERSION;
  bytes[1] = state;
  bytes[2] = data.length >>> 8;
  bytes[3] = data.length & 0xff;
  bytes.set(data, HEADER_LENGTH);
  return bytes;
}

function checkState(state: number, side: "local" | "remote"): void {
  if (sslStateName(state) !== undefined) return;
  const found = side === "remote" ? hexOctet(state) : String(state);
  throw new WireError("ERR_SOCKS_BAD_FIELD", `STATE is ${found}; expected 0x01 to 0x04`, { side });
}

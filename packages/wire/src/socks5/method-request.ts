import { SOCKS5_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctets, copyOctets, putOctets } from "../internal/octets.ts";

/** Longest {@link MethodRequest}: VER, NMETHODS, 255 methods. */
export const MAX_METHOD_REQUEST_LENGTH: number = 1 + 1 + 255;

/**
 * The greeting: what a client offers, RFC 1928 section 3.
 *
 * | VER | NMETHODS | METHODS  |
 * |-----|----------|----------|
 * | 05  | 1        | 1 to 255 |
 *
 * Deviation: an empty list is decoded (a server answers it with `0xff`), but never encoded.
 */
export interface MethodRequest {
  /** `METHODS`: the authentication methods offered, in the order of the wire; see {@link METHOD}. */
  readonly methods: Uint8Array;
}

/**
 * Decodes a {@link MethodRequest} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`.
 */
export function decodeMethodRequest(bytes: Uint8Array, offset = 0): Decoded<MethodRequest> | undefined {
  if (bytes.length <= offset) return undefined;
  if (bytes[offset] !== SOCKS5_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `greeting begins with ${hexOctet(bytes[offset] as number)}; expected 0x05`,
      {
        side: "remote",
      },
    );
  }
  if (bytes.length < offset + 2) return undefined;
  const byteLength = 2 + (bytes[offset + 1] as number);
  if (bytes.length < offset + byteLength) return undefined;
  return { value: { methods: copyOctets(bytes, offset + 2, offset + byteLength) }, byteLength };
}

/**
 * Encodes a {@link MethodRequest}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (no method), `ERR_SOCKS_OVERFLOW` (more than 255).
 */
export function encodeMethodRequest(value: MethodRequest): Uint8Array {
  const methods = value.methods;
  checkOctets(methods, "METHODS", 1, 255);
  const bytes = new Uint8Array(2 + methods.length);
  bytes[0] = SOCKS5_VERSION;
  bytes[1] = methods.length;
  putOctets(bytes, 2, methods);
  return bytes;
}

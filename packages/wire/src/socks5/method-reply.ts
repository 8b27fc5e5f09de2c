import { SOCKS5_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet } from "../internal/octets.ts";

/** Length of every {@link MethodReply}: VER, METHOD. */
export const MAX_METHOD_REPLY_LENGTH: number = 1 + 1;

/**
 * The server's choice of an authentication method, RFC 1928 section 3.
 *
 * | VER | METHOD |
 * |-----|--------|
 * | 05  | 1      |
 */
export interface MethodReply {
  /** `METHOD`; any octet, see {@link METHOD} for the assigned ones. `0xff`: none of those offered. */
  readonly method: number;
}

/**
 * Decodes a {@link MethodReply} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`.
 */
export function decodeMethodReply(bytes: Uint8Array, offset = 0): Decoded<MethodReply> | undefined {
  if (bytes.length <= offset) return undefined;
  if (bytes[offset] !== SOCKS5_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `method reply begins with ${hexOctet(bytes[offset] as number)}; expected 0x05`,
      {
        side: "remote",
      },
    );
  }
  if (bytes.length < offset + 2) return undefined;
  return { value: { method: bytes[offset + 1] as number }, byteLength: 2 };
}

/**
 * Encodes a {@link MethodReply}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD`.
 */
export function encodeMethodReply(value: MethodReply): Uint8Array {
  checkOctet(value.method, "METHOD");
  const bytes = new Uint8Array(2);
  bytes[0] = SOCKS5_VERSION;
  bytes[1] = value.method;
  return bytes;
}

import { USER_PASS_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { checkOctet } from "../internal/octets.ts";

/** Length of every {@link UserPassReply}: VER, STATUS. */
export const MAX_USER_PASS_REPLY_LENGTH: number = 1 + 1;

/**
 * What the server says to a user name and password, RFC 1929 section 2.
 *
 * | VER | STATUS |
 * |-----|--------|
 * | 01  | 1      |
 */
export interface UserPassReply {
  /**
   * `VER` as received. Deviation: it is kept, not checked, because servers that answer `0x05` or
   * `0x00` exist. Encoding always writes `0x01`.
   */
  readonly version: number;
  /** `STATUS`: `0x00` is success, everything else failure; see {@link USER_PASS_STATUS}. */
  readonly status: number;
}

/**
 * Decodes a {@link UserPassReply} that begins at `offset`. Any two octets are one.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 */
export function decodeUserPassReply(bytes: Uint8Array, offset = 0): Decoded<UserPassReply> | undefined {
  if (bytes.length < offset + 2) return undefined;
  return { value: { version: bytes[offset] as number, status: bytes[offset + 1] as number }, byteLength: 2 };
}

/**
 * Encodes a {@link UserPassReply}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD`.
 */
export function encodeUserPassReply(value: Partial<UserPassReply> & Pick<UserPassReply, "status">): Uint8Array {
  checkOctet(value.status, "STATUS");
  const bytes = new Uint8Array(2);
  bytes[0] = USER_PASS_VERSION;
  bytes[1] = value.status;
  return bytes;
}

import { USER_PASS_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctets, copyOctets, putOctets } from "../internal/octets.ts";

/** Longest {@link UserPassRequest}: VER, ULEN, 255 octets of name, PLEN, 255 octets of password. */
export const MAX_USER_PASS_REQUEST_LENGTH: number = 1 + 1 + 255 + 1 + 255;

/**
 * User name and password, RFC 1929 section 2.
 *
 * | VER | ULEN | UNAME    | PLEN | PASSWD   |
 * |-----|------|----------|------|----------|
 * | 01  | 1    | 1 to 255 | 1    | 1 to 255 |
 *
 * Deviation: both fields may be empty in both directions. Common clients send an empty password,
 * some an empty name; what to make of them is for the check of the credentials to say.
 */
export interface UserPassRequest {
  /** `UNAME`, without its length octet. The RFC names no encoding; UTF-8 is usual. */
  readonly uname: Uint8Array;
  /** `PASSWD`, without its length octet. */
  readonly passwd: Uint8Array;
}

/**
 * Decodes a {@link UserPassRequest} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`.
 */
export function decodeUserPassRequest(bytes: Uint8Array, offset = 0): Decoded<UserPassRequest> | undefined {
  if (bytes.length <= offset) return undefined;
  if (bytes[offset] !== USER_PASS_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `user name and password begin with ${hexOctet(bytes[offset] as number)}; expected 0x01`,
      { side: "remote" },
    );
  }
  if (bytes.length < offset + 2) return undefined;
  const unameEnd = offset + 2 + (bytes[offset + 1] as number);
  if (bytes.length <= unameEnd) return undefined;
  const passwdEnd = unameEnd + 1 + (bytes[unameEnd] as number);
  if (bytes.length < passwdEnd) return undefined;
  return {
    value: {
      uname: copyOctets(bytes, offset + 2, unameEnd),
      passwd: copyOctets(bytes, unameEnd + 1, passwdEnd),
    },
    byteLength: passwdEnd - offset,
  };
}

/**
 * Encodes a {@link UserPassRequest}.
 *
 * @throws WireError `ERR_SOCKS_OVERFLOW` (a field of more than 255 octets), `ERR_SOCKS_BAD_FIELD`.
 */
export function encodeUserPassRequest(value: UserPassRequest): Uint8Array {
  const uname = value.uname;
  const passwd = value.passwd;
  checkOctets(uname, "UNAME", 0, 255);
  checkOctets(passwd, "PASSWD", 0, 255);
  const bytes = new Uint8Array(3 + uname.length + passwd.length);
  bytes[0] = USER_PASS_VERSION;
  bytes[1] = uname.length;
  const plenAt = putOctets(bytes, 2, uname);
  bytes[plenAt] = passwd.length;
  putOctets(bytes, plenAt + 1, passwd);
  return bytes;
}

import { AuthError } from "../errors.ts";
import { joinOctets } from "./octets.ts";

/** Octets that MD5 takes in one step (RFC 2104 section 2, "B"). */
const BLOCK_LENGTH = 64;
const DIGEST_LENGTH = 16;

/** The MD5 of the platform: octets in, the 16 octets of their digest out (RFC 1321). */
export type Md5 = (data: Uint8Array) => Uint8Array;

/** HMAC-MD5, RFC 2104, from MD5. */
export function hmacMd5(md5: Md5, key: Uint8Array, data: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_LENGTH);
  block.set(key.length > BLOCK_LENGTH ? digest(md5, key) : key);
  const inner = digest(
    md5,
    joinOctets(
      block.map((octet) => octet ^ 0x36),
      data,
    ),
  );
  return digest(
    md5,
    joinOctets(
      block.map((octet) => octet ^ 0x5c),
      inner,
    ),
  );
}

/** MD5 of the data, as a plain array. */
export function digest(md5: Md5, data: Uint8Array): Uint8Array {
  const result = md5(data);
  if (result.length !== DIGEST_LENGTH) {
    throw new AuthError("ERR_SOCKS_BAD_OPTION", `md5 gave ${result.length} octets; expected ${DIGEST_LENGTH}`, {
      side: "local",
    });
  }
  return new Uint8Array(result);
}

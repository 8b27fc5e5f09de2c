import { AuthError } from "../errors.ts";

/** Longest user name, password or answer that a field carries, in octets: its length is one octet. */
const MAX_FIELD_LENGTH = 0xff;

/**
 * A user name as octets.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` when it cannot be sent.
 */
export function nameOctets(username: string | Uint8Array): Uint8Array {
  const octets = credentialOctets("user name", username);
  if (octets.length === 0) throw unusable("the user name is empty; leave the credentials out instead");
  return octets;
}

/**
 * A field of credentials as octets.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` when it cannot be sent.
 */
export function credentialOctets(
  field: string,
  value: string | Uint8Array,
  maxLength: number = MAX_FIELD_LENGTH,
): Uint8Array {
  const octets = utf8Octets(field, value);
  if (octets.length > maxLength) {
    throw unusable(`the ${field} has ${octets.length} octets; the method allows at most ${maxLength}`);
  }
  if (octets.includes(0x00)) {
    throw unusable(`the ${field} holds a NUL; servers would read it only up to there`);
  }
  return octets;
}

/**
 * Text as UTF-8, octets as they are.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` when the text has no UTF-8 form.
 */
export function utf8Octets(field: string, value: string | Uint8Array): Uint8Array {
  if (typeof value !== "string") return value;
  if (/\p{Surrogate}/u.test(value)) {
    throw unusable(`the ${field} holds half a surrogate pair, which has no UTF-8 form`);
  }
  return new TextEncoder().encode(value);
}

/** The error for credentials that cannot be sent. */
export function unusable(message: string): AuthError {
  return new AuthError("ERR_SOCKS_AUTH_CREDENTIALS", message, { side: "local" });
}

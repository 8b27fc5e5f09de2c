import { decodeUserPassRequest } from "@sockskit/wire";

/** Stands for a secret of any length. */
const MASK: Uint8Array = new Uint8Array(8).fill(0x2a);

/**
 * A copy of what is secret in whole or in part, fit to be shown.
 *
 * @param maskedFrom - Where the secret begins. Default: where the message of an authentication has it.
 */
export function maskSecrets(
  octets: Uint8Array,
  maskedFrom: number = publicLength(octets),
): { readonly octets: Uint8Array; readonly maskedFrom: number } {
  const shown = new Uint8Array(maskedFrom + MASK.length);
  shown.set(octets.subarray(0, maskedFrom));
  shown.set(MASK, maskedFrom);
  return { octets: shown, maskedFrom };
}

/** What stands before the secret in a request to an HTTP proxy; the head ends with it. */
const AUTHORIZATION = "\r\nProxy-Authorization: Basic ";

/**
 * Octets before the secret: of RFC 1929 up to `UNAME`, for the length of a password is part of it; of an HTTP head up to
 * the credentials; else none.
 */
function publicLength(octets: Uint8Array): number {
  const authorization = Buffer.from(octets.buffer, octets.byteOffset, octets.length).indexOf(AUTHORIZATION, "latin1");
  if (authorization !== -1) return authorization + AUTHORIZATION.length;
  try {
    const uname = decodeUserPassRequest(octets)?.value.uname;
    return uname === undefined ? 0 : 2 + uname.length;
  } catch {
    return 0;
  }
}

import { decodeUserPassRequest } from "@sockskit/wire";

import type { SocksStage } from "../errors.ts";

/** Stands for a secret of any length. */
const MASK: Uint8Array = new Uint8Array(8).fill(0x2a);

/** A copy of what an authentication method sends, or of early data, fit to be shown. */
export function maskSecrets(
  octets: Uint8Array,
  stage: SocksStage,
): { readonly octets: Uint8Array; readonly maskedFrom: number } {
  const maskedFrom = stage === "authenticate" ? publicLength(octets) : 0;
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

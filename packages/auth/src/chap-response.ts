import { CHAP_ALGORITHM } from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthVerdict, ChapEvidence } from "./evidence.ts";
import { utf8Octets } from "./internal/credential-octets.ts";
import { type Md5, digest, hmacMd5 } from "./internal/hmac-md5.ts";
import { joinOctets, sameOctets } from "./internal/octets.ts";

/** Stands in for the password of a user that does not exist, so that the answer takes as long. */
const NOBODY = Uint8Array.of(0x00);

/** What {@link chapResponse} needs. */
export interface ChapResponseOptions {
  /** Algorithm, one of `CHAP_ALGORITHM`. */
  readonly algorithm: number;
  /** `IDENTIFIER`, one octet; only the algorithm MD5 uses it, and needs it. */
  readonly identifier?: number | undefined;
  /** The shared secret: text counts as UTF-8. Not empty. */
  readonly password: string | Uint8Array;
  /** The challenge to answer. */
  readonly challenge: Uint8Array;
  /** MD5 of the platform. */
  readonly md5: Md5;
}

/** What {@link chapVerdict} needs. */
export interface ChapVerdictOptions {
  /** What the client showed. */
  readonly evidence: ChapEvidence;
  /** The user's password in clear, text counts as UTF-8; `undefined` when there is no such user. */
  readonly password: string | Uint8Array | undefined;
  /** Who the client is, if the evidence holds. Default: nameless. */
  readonly identity?: string | undefined;
  /** MD5 of the platform. */
  readonly md5: Md5;
}

/**
 * Gives the 16 octets that answer a challenge: HMAC-MD5 of the challenge with the password as key
 * (draft-ietf-aft-socks-chap-01), or MD5 of identifier, password and challenge (RFC 1994 section 4.1).
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` (empty password), `ERR_SOCKS_BAD_OPTION` (another algorithm, MD5
 * without an identifier, an `md5` that does not give 16 octets).
 */
export function chapResponse(options: ChapResponseOptions): Uint8Array {
  const { algorithm, identifier, challenge, md5 } = options;
  const password = utf8Octets("password", options.password);
  if (password.length === 0) {
    throw new AuthError("ERR_SOCKS_AUTH_CREDENTIALS", "the password is empty; CHAP needs a secret", { side: "local" });
  }
  if (algorithm === CHAP_ALGORITHM.hmacMd5) return hmacMd5(md5, password, challenge);
  if (algorithm === CHAP_ALGORITHM.md5 && identifier !== undefined) {
    return digest(md5, joinOctets(Uint8Array.of(identifier), password, challenge));
  }
  throw new AuthError("ERR_SOCKS_BAD_OPTION", `CHAP algorithm ${algorithm} is unknown or lacks its identifier`, {
    side: "local",
  });
}

/**
 * Judges the evidence of CHAP. The server needs the password in clear: from a hash of it no response can be
 * computed.
 *
 * It takes as long for an unknown user as for a wrong response, and rejects an empty password. To a client that sent
 * a challenge the verdict carries the server's own response.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` when `md5` does not give 16 octets.
 */
export function chapVerdict(options: ChapVerdictOptions): AuthVerdict {
  const { evidence, identity, md5 } = options;
  const { algorithm, identifier, challenge, response, clientChallenge } = evidence;
  const known = options.password !== undefined && options.password.length > 0;
  const password = known ? options.password : NOBODY;
  const expected = chapResponse({ algorithm, identifier, password, challenge, md5 });
  if (!sameOctets(expected, response) || !known) return { accepted: false };
  if (clientChallenge === undefined) return { accepted: true, identity };
  const proof = chapResponse({ algorithm, identifier, password, challenge: clientChallenge, md5 });
  return { accepted: true, identity, response: proof };
}

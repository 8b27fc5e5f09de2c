// Numbers of draft-ietf-aft-socks-chap-01 and draft-ietf-aft-socks-cram-00.

import { nameIn } from "../internal/name-in.ts";

/** `VER` of every {@link AttributeList}. */
export const ATTRIBUTE_LIST_VERSION = 0x01;

/** `ATT`: attributes of CHAP and CRAM, draft-ietf-aft-socks-chap-01 and draft-ietf-aft-socks-cram-00. */
export const ATT = {
  /** One octet: 00 is success, everything else failure. */
  status: 0x00,
  /** Text for the user; the only attribute that may be repeated. */
  textMessage: 0x01,
  /** User name. */
  userIdentity: 0x02,
  /** Octets (CHAP) or text (CRAM) to answer. */
  challenge: 0x03,
  /** The answer. */
  response: 0x04,
  /** MIME name of the character set of what follows. */
  charset: 0x05,
  /** CHAP: one octet that goes with a challenge, for algorithms that need it. */
  identifier: 0x10,
  /** CHAP: one octet for each algorithm; see {@link CHAP_ALGORITHM}. */
  algorithms: 0x11,
} as const;

/** Algorithms of CHAP, the octets of an `ALGORITHMS` attribute: MD5 of RFC 1994, HMAC-MD5 of the draft. */
export const CHAP_ALGORITHM = {
  /** MD5 of identifier, secret and challenge, RFC 1994 section 4.1; weak. */
  md5: 0x05,
  /** HMAC-MD5 of the challenge with the secret as key. */
  hmacMd5: 0x85,
} as const;

/** Octet of a `STATUS` attribute. Every value but `success` is a failure; servers send `failure`. */
export const ATTRIBUTE_STATUS = {
  /** Authenticated. */
  success: 0x00,
  /** Not authenticated; the connection ends. */
  failure: 0x01,
} as const;

/** Name of an `ATT` in {@link ATT}; `undefined` when the number has none. */
export function attName(att: number): keyof typeof ATT | undefined {
  return nameIn(ATT, att);
}

/** Name of a CHAP algorithm in {@link CHAP_ALGORITHM}; `undefined` when the number has none. */
export function chapAlgorithmName(algorithm: number): keyof typeof CHAP_ALGORITHM | undefined {
  return nameIn(CHAP_ALGORITHM, algorithm);
}

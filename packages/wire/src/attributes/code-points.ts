// Numbers of draft-ietf-aft-socks-chap-01 and draft-ietf-aft-socks-cram-00.

import { nameIn } from "../internal/name-in.ts";

/** `VER` of every {@link AttributeList}. */
export const ATTRIBUTE_LIST_VERSION = 0x01;

/** `ATT`: attributes of CHAP and CRAM, draft-ietf-aft-socks-chap-01 and draft-ietf-aft-socks-cram-00. */
export const ATT = {
  status: 0x00,
  textMessage: 0x01,
  userIdentity: 0x02,
  challenge: 0x03,
  response: 0x04,
  charset: 0x05,
  identifier: 0x10,
  algorithms: 0x11,
} as const;

/** Algorithms of CHAP, the octets of an `ALGORITHMS` attribute: MD5 of RFC 1994, HMAC-MD5 of the draft. */
export const CHAP_ALGORITHM = {
  md5: 0x05,
  hmacMd5: 0x85,
} as const;

/** Octet of a `STATUS` attribute. Every value but `success` is a failure; servers send `failure`. */
export const ATTRIBUTE_STATUS = {
  success: 0x00,
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

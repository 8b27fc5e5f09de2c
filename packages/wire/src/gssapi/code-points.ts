import { nameIn } from "../internal/name-in.ts";

/** `VER` of every frame of the GSS-API method, RFC 1961 section 3.4. */
export const GSSAPI_VERSION = 0x01;

/** `MTYP`: what a frame of the GSS-API method carries, RFC 1961. */
export const MTYP = {
  /** A context token of the mechanism, section 3.4. */
  authentication: 0x01,
  /** The protection level, section 4.3. */
  protectionLevel: 0x02,
  /** A protected SOCKS message, or protected data, section 5. */
  encapsulatedUserData: 0x03,
  /** The server refuses; nothing follows, section 3.8. */
  abort: 0xff,
} as const;

/** Protection levels, RFC 1961 section 4.1, and the one that NEC's implementation added. */
export const PROTECTION_LEVEL = {
  /** Not in the RFC: nothing is protected, and there are no frames. */
  none: 0x00,
  /** Integrity of every message. */
  integrity: 0x01,
  /** Integrity and confidentiality of every message. */
  confidentiality: 0x02,
  /** Chosen for each message by local configuration. */
  selective: 0x03,
} as const;

/** Name of an `MTYP` in {@link MTYP}; `undefined` when the number has none. */
export function mtypName(mtyp: number): keyof typeof MTYP | undefined {
  return nameIn(MTYP, mtyp);
}

/** Name of a level in {@link PROTECTION_LEVEL}; `undefined` when the number has none. */
export function protectionLevelName(level: number): keyof typeof PROTECTION_LEVEL | undefined {
  return nameIn(PROTECTION_LEVEL, level);
}

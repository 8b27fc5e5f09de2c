import type { GssapiProtection } from "./gssapi-protection.ts";

/**
 * What a client showed with RFC 1929, as octets.
 *
 * Either may be empty (the credential check decides about that) and may hold any octet, `00`
 * included: compare whole arrays, never C strings. Instances that this package makes keep the
 * password out of `JSON.stringify`, of console output and of structured clones: read it by its name.
 */
export interface UserPassEvidence {
  /** Tag of the union. */
  readonly type: "userpass";
  /** `UNAME`, 0 to 255 octets, usually UTF-8. */
  readonly username: Uint8Array;
  /** `PASSWD`, 0 to 255 octets, usually UTF-8. */
  readonly password: Uint8Array;
}

/**
 * What a client showed with CHAP, draft-ietf-aft-socks-chap-01. `chapVerdict` checks it.
 *
 * Instances that this package makes keep the response, from which a password can be guessed, out of
 * `JSON.stringify`, of console output and of structured clones: read it by its name.
 */
export interface ChapEvidence {
  /** Tag of the union. */
  readonly type: "chap";
  /** `USER-IDENTITY`, 0 to 255 octets, usually UTF-8. */
  readonly username: Uint8Array;
  /** The chosen algorithm, one of `CHAP_ALGORITHM`. */
  readonly algorithm: number;
  /** `IDENTIFIER` that goes with the challenge; only the algorithm MD5 has one. */
  readonly identifier: number | undefined;
  /** `CHALLENGE` that the client got. */
  readonly challenge: Uint8Array;
  /** `RESPONSE` of the client, 0 to 255 octets. */
  readonly response: Uint8Array;
  /** `CHALLENGE` of a client that wants the server to prove itself as well. */
  readonly clientChallenge: Uint8Array | undefined;
}

/**
 * What a client showed with CRAM, draft-ietf-aft-socks-cram-00, so far. Text is UTF-8, whatever the client sent.
 *
 * Instances that this package makes keep the response out of `JSON.stringify`, of console output and of
 * structured clones: read it by its name.
 */
export interface CramEvidence {
  /** Tag of the union. */
  readonly type: "cram";
  /** `USER-IDENTITY`. */
  readonly username: Uint8Array;
  /** Challenges that were answered: 0 when only the name is known, at most 10. */
  readonly round: number;
  /** The challenge that `response` answers; `undefined` in round 0. */
  readonly challenge: Uint8Array | undefined;
  /** `RESPONSE` to it; `undefined` in round 0. */
  readonly response: Uint8Array | undefined;
}

/** What a client showed with GSS-API, RFC 1961: a token that the mechanism has to judge. */
export interface GssapiEvidence {
  /** Tag of the union. */
  readonly type: "gssapi";
  /**
   * - `context`: a context token; 1 to 65535 octets.
   * - `level`: the wrapped octet of the protection level that the client asks for.
   * - `level-unprotected`: that octet as it is, the form of NEC's implementation.
   */
  readonly step: "context" | "level" | "level-unprotected";
  /** The token. */
  readonly token: Uint8Array;
}

/** What a client showed, by method; the union grows with the methods. */
export type AuthEvidence = UserPassEvidence | ChapEvidence | CramEvidence | GssapiEvidence;

/** The answer to evidence: accepted, perhaps under a name, or not, or not yet. */
export type AuthVerdict = AuthAccepted | AuthRejected | AuthChallenge | AuthContextToken;

/** The evidence holds. */
export interface AuthAccepted {
  /** Tag of the union. */
  readonly accepted: true;
  /** Who the client is; what rules and logs see. Absent: authenticated, but nameless. */
  readonly identity?: string | undefined;
  /**
   * CHAP: what proves the server to a client that sent a challenge; `chapVerdict` fills it in. GSS-API: the octet of
   * the level that is granted, in the form in which the client sent its own.
   */
  readonly response?: Uint8Array | undefined;
  /** GSS-API: the protection that `response` grants. */
  readonly protection?: GssapiProtection | undefined;
}

/** The evidence does not hold. */
export interface AuthRejected {
  /** Tag of the union. */
  readonly accepted: false;
}

/** GSS-API: the context goes on. For every other method it is a rejection. */
export interface AuthContextToken {
  /** Tag of the union. */
  readonly accepted: false;
  /** What the mechanism says to the client: at most 65535 octets, and some unless `complete`. */
  readonly token: Uint8Array;
  /** Whether the server's side of the context is complete: the protection level comes next. */
  readonly complete: boolean;
}

/** CRAM: the client has to answer a challenge first. For every other method it is a rejection. */
export interface AuthChallenge {
  /** Tag of the union. */
  readonly accepted: false;
  /** What to answer, shown to the user: 1 to 255 octets, text is sent as UTF-8. */
  readonly challenge: string | Uint8Array;
  /** What else to tell the user, at most 255 octets as UTF-8. */
  readonly text?: string | undefined;
}

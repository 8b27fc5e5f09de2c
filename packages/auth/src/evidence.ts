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

/** What a client showed, by method; the union grows with the methods. */
export type AuthEvidence = UserPassEvidence | ChapEvidence | CramEvidence;

/** The answer to evidence: accepted, perhaps under a name, or not, or not yet. */
export type AuthVerdict = AuthAccepted | AuthRejected | AuthChallenge;

/** The evidence holds. */
export interface AuthAccepted {
  /** Tag of the union. */
  readonly accepted: true;
  /** Who the client is; what rules and logs see. Absent: authenticated, but nameless. */
  readonly identity?: string | undefined;
  /** CHAP: what proves the server to a client that sent a challenge; `chapVerdict` fills it in. */
  readonly response?: Uint8Array | undefined;
}

/** The evidence does not hold. */
export interface AuthRejected {
  /** Tag of the union. */
  readonly accepted: false;
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

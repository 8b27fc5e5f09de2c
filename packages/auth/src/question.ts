/** What a server wants to know from the client, by method; the union grows with the methods. */
export type AuthQuestion = CramQuestion;

/** A challenge of CRAM, draft-ietf-aft-socks-cram-00. */
export interface CramQuestion {
  /** Tag of the union. */
  readonly type: "cram";
  /** Which challenge of this exchange it is: 1 to 10. */
  readonly round: number;
  /** `CHALLENGE` as it came: for programs, such as one-time password generators. */
  readonly challenge: Uint8Array;
  /** The challenge as text for a person: no control, format or line-breaking characters, at most 1000 characters. */
  readonly prompt: string;
  /** What else the server tells the person, in the same form; empty when nothing. */
  readonly text: string;
}

/** The answer to a question, of the same type. */
export type AuthAnswer = CramAnswer;

/** The answer to a challenge of CRAM. */
export interface CramAnswer {
  /** Tag of the union. */
  readonly type: "cram";
  /**
   * What to send: 0 to 255 octets, text is sent as UTF-8; no NUL. `undefined`: nobody answers, and the exchange
   * fails with `ERR_SOCKS_AUTH_CREDENTIALS`, as it does for an answer that cannot be sent.
   */
  readonly response: string | Uint8Array | undefined;
}

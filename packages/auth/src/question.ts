import type { AuthError } from "./errors.ts";
import type { GssapiProtection } from "./gssapi-protection.ts";

/** What a server wants to know from the client, by method; the union grows with the methods. */
export type AuthQuestion = CramQuestion | GssapiQuestion;

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
export type AuthAnswer = CramAnswer | GssapiAnswer;

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

/** What the mechanism of GSS-API has to say, RFC 1961. */
export interface GssapiQuestion {
  /** Tag of the union. */
  readonly type: "gssapi";
  /**
   * - `context`: go on with the context; the answer is a {@link GssapiToken}.
   * - `level`: the proxy granted a protection level; the answer is a {@link GssapiAgreement}.
   */
  readonly step: "context" | "level";
  /** What the proxy sent: nothing in the first round; with `level` the octet, wrapped or (NEC) as it is. */
  readonly token: Uint8Array | undefined;
}

/** The answer to a question of GSS-API. */
export type GssapiAnswer = GssapiToken | GssapiAgreement | GssapiRefusal;

/** The next token of the mechanism. */
export interface GssapiToken {
  /** Tag of the union. */
  readonly type: "gssapi";
  /** What the mechanism says to the proxy: at most 65535 octets, and some unless there is a `level`. */
  readonly token: Uint8Array;
  /** Our side of the context is complete: the octet of the level that is asked for, wrapped or (NEC) as it is. */
  readonly level: Uint8Array | undefined;
}

/** The protection that both sides agreed on. */
export interface GssapiAgreement {
  /** Tag of the union. */
  readonly type: "gssapi";
  /** What the proxy granted and this side accepts. */
  readonly protection: GssapiProtection;
}

/** The mechanism failed, or what the proxy granted is not enough. */
export interface GssapiRefusal {
  /** Tag of the union. */
  readonly type: "gssapi";
  /** Why; the exchange fails with it. */
  readonly error: AuthError;
}

import type { ExchangeVerdict } from "./auth-method-compliance.ts";

/** More octets are needed. */
type Incomplete = { readonly type: "incomplete" };

/** Both sides of {@link questionMethod}. `E` is the error of a rejection. */
export interface QuestionMethod<E> {
  /** Starts a client exchange that gives this answer, two ASCII characters. */
  client(answer: string): {
    readonly maxMessageLength: number;
    begin(): undefined;
    receive(bytes: Uint8Array): Incomplete | { type: "done"; consumed: number; send: Uint8Array };
  };
  /** Starts a server exchange. */
  server(): {
    readonly maxMessageLength: number;
    begin(): Uint8Array;
    receive(bytes: Uint8Array): Incomplete | { type: "verify"; consumed: number; evidence: QuestionEvidence };
    resolve(
      verdict: ExchangeVerdict,
    ):
      | { type: "done"; consumed: number; identity: string | undefined }
      | { type: "failed"; consumed: number; error: E };
  };
}

/** The answer, as a password: one of the kinds of evidence there are. */
export interface QuestionEvidence {
  /** Tag. */
  readonly type: "userpass";
  /** The question. */
  readonly username: Uint8Array;
  /** The answer. */
  readonly password: Uint8Array;
}

const QUESTION = Uint8Array.of(0x51, 0x3f); // Q?

/**
 * An authentication method to be carried by others that run several: the server asks `Q?`, the client answers
 * with two octets, and is done. So the server speaks first and has no last word, as no method of SOCKS does.
 */
export function questionMethod<E>(rejected: () => E): QuestionMethod<E> {
  const maxMessageLength = QUESTION.length;
  return {
    client: (answer) => ({
      maxMessageLength,
      begin: () => undefined,
      receive(bytes) {
        if (bytes.length < maxMessageLength) return { type: "incomplete" };
        return { type: "done", consumed: maxMessageLength, send: new TextEncoder().encode(answer) };
      },
    }),
    server: () => ({
      maxMessageLength,
      begin: () => QUESTION.slice(),
      receive(bytes) {
        if (bytes.length < maxMessageLength) return { type: "incomplete" };
        const password = new Uint8Array(bytes.subarray(0, maxMessageLength));
        const evidence: QuestionEvidence = { type: "userpass", username: QUESTION.slice(), password };
        return { type: "verify", consumed: maxMessageLength, evidence };
      },
      resolve: (verdict) =>
        verdict.accepted
          ? { type: "done", consumed: 0, identity: verdict.identity }
          : { type: "failed", consumed: 0, error: rejected() },
    }),
  };
}

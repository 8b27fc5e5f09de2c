import { ATT, MAX_ATTRIBUTE_LIST_LENGTH, METHOD, WireError } from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import {
  attributeValue,
  encodeAttributes,
  failure,
  quotedText,
  readAttributes,
  saysSuccess,
  shownText,
} from "./internal/attributes.ts";
import { type Charset, charsetFor, charsetOf, displayText } from "./internal/charset.ts";
import { MAX_CRAM_ROUNDS } from "./internal/cram-rounds.ts";
import { credentialOctets, nameOctets, unusable } from "./internal/credential-octets.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthStep, ClientAuthExchange, ClientAuthMethod, ClientAuthStep } from "./method.ts";
import type { AuthAnswer } from "./question.ts";

/** User for {@link cramClient}. */
export interface CramClientOptions {
  /** User name: 1 to 255 octets, text is sent as UTF-8; no NUL. */
  readonly username: string | Uint8Array;
}

/**
 * Makes the client side of method 0x05, CRAM (draft-ietf-aft-socks-cram-00): the server puts up to 10 challenges to
 * a person, such as a request for a one-time password. Each comes as an `ask` step.
 *
 * Name and answers travel in clear.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` when the user name cannot be sent.
 */
export function cramClient(options: CramClientOptions): ClientAuthMethod {
  return new CramClient(new Uint8Array(nameOctets(options.username)));
}

class CramClient implements ClientAuthMethod {
  readonly method: number = METHOD.challengeResponseAuthenticationMethod;
  readonly name = "cram";
  readonly #username: Uint8Array;

  constructor(username: Uint8Array) {
    this.#username = username;
  }

  start(): ClientAuthExchange {
    return new CramClientExchange(this.#username);
  }
}

class CramClientExchange implements ClientAuthExchange {
  readonly maxMessageLength: number = MAX_ATTRIBUTE_LIST_LENGTH;
  readonly #username: Uint8Array;
  #asking = false;
  #round = 0;
  /** Of what the server says; the draft's default. */
  #charset: Charset = "iso-8859-1";

  constructor(username: Uint8Array) {
    this.#username = username;
  }

  begin(): Uint8Array {
    return encodeAttributes([ATT.userIdentity, this.#username], [ATT.charset, charsetFor(this.#username)]);
  }

  receive(bytes: Uint8Array): ClientAuthStep {
    const decoded = readAttributes(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) {
      return failure("ERR_SOCKS_AUTH_PROTOCOL", `broken CRAM message: ${decoded.message}`, 0, { cause: decoded });
    }
    const { value: list, byteLength: consumed } = decoded;
    this.#charset = charsetOf(attributeValue(list, ATT.charset), this.#charset);
    // A message with both a status and a challenge is not defined: the status counts.
    const status = attributeValue(list, ATT.status);
    if (status !== undefined) {
      if (saysSuccess(status)) return { type: "done", consumed };
      const message = `proxy rejected the user name or the answer${quotedText(list, this.#charset)}`;
      return failure("ERR_SOCKS_AUTH_REJECTED", message, consumed);
    }
    const challenge = attributeValue(list, ATT.challenge);
    if (challenge === undefined) {
      return failure("ERR_SOCKS_AUTH_PROTOCOL", "the proxy sent neither a challenge nor a status", consumed);
    }
    if (this.#round === MAX_CRAM_ROUNDS) {
      return failure("ERR_SOCKS_AUTH_PROTOCOL", `the proxy sent more than ${MAX_CRAM_ROUNDS} challenges`, consumed);
    }
    this.#round++;
    this.#asking = true;
    const prompt = displayText(challenge, this.#charset);
    const text = shownText(list, this.#charset);
    return { type: "ask", consumed, question: { type: "cram", round: this.#round, challenge, prompt, text } };
  }

  answer(answer: AuthAnswer): AuthStep {
    if (!this.#asking || answer.type !== "cram") throw notAwaited("answer");
    this.#asking = false;
    const { response } = answer;
    try {
      if (response === undefined) throw unusable("nobody answered the challenge");
      const octets = credentialOctets("answer", response);
      return {
        type: "send",
        consumed: 0,
        data: encodeAttributes([ATT.response, octets], [ATT.charset, charsetFor(octets)]),
      };
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return { type: "failed", consumed: 0, error };
    }
  }
}

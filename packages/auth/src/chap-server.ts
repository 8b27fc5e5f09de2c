import { ATT, type AttributeList, CHAP_ALGORITHM, MAX_ATTRIBUTE_LIST_LENGTH, METHOD, WireError } from "@sockskit/wire";

import type { AuthAccepted, AuthVerdict, ChapEvidence } from "./evidence.ts";
import {
  attributeValue,
  encodeAttributes,
  failure,
  readAttributes,
  saysSuccess,
  statusOctets,
} from "./internal/attributes.ts";
import { type ChapAlgorithm, algorithmOctets, takeChallenge } from "./internal/chap-algorithms.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import { sameOctets } from "./internal/octets.ts";
import type { AuthFailed, AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

/** Settings for {@link chapServer}. */
export interface ChapServerOptions {
  /**
   * Gives 16 to 239 octets of fresh randomness for one challenge, 32 are good. Octets that can be foretold or come
   * again let a listener log in.
   */
  readonly challenge: () => Uint8Array;
  /** Algorithms to take, most preferred first. Default `["hmac-md5"]`; `"md5"` is weak. */
  readonly algorithms?: readonly ChapAlgorithm[] | undefined;
}

/**
 * Makes the server side of method 0x03, CHAP (draft-ietf-aft-socks-chap-01).
 *
 * Every user gets a challenge, whether they exist or not. The evidence of the `verify` step is for
 * {@link chapVerdict}, which needs the password in clear; a failure is answered `STATUS` 01. The user name may
 * come with the first or the second message of the client. A client that sends a challenge gets the response of
 * the verdict, and says then whether it trusts it.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` (no algorithm, an unknown one). An exchange throws it for a challenge of
 * another length.
 */
export function chapServer(options: ChapServerOptions): ServerAuthMethod {
  return new ChapServer(options.challenge, algorithmOctets(options.algorithms));
}

class ChapServer implements ServerAuthMethod {
  readonly method: number = METHOD.challengeHandshakeAuthenticationProtocol;
  readonly name = "chap";
  readonly #challenge: () => Uint8Array;
  readonly #algorithms: Uint8Array;
  /** RFC 1994 section 4.1: it must change with every challenge. */
  #lastIdentifier = 0xff;

  constructor(challenge: () => Uint8Array, algorithms: Uint8Array) {
    this.#challenge = challenge;
    this.#algorithms = algorithms;
  }

  start(): ServerAuthExchange {
    this.#lastIdentifier = (this.#lastIdentifier + 1) & 0xff;
    return new ChapServerExchange(this.#challenge, this.#algorithms, this.#lastIdentifier);
  }
}

/** What is due: from the client, or from the owner (`verdict`). */
type Due = "algorithms" | "response" | "verdict" | "status";

class ChapServerExchange implements ServerAuthExchange {
  readonly maxMessageLength: number = MAX_ATTRIBUTE_LIST_LENGTH;
  readonly evidence = "chap";
  readonly #source: () => Uint8Array;
  readonly #algorithms: Uint8Array;
  readonly #identifier: number;
  #due: Due = "algorithms";
  #algorithm = 0;
  #challenge: Uint8Array = new Uint8Array(0);
  #username: Uint8Array | undefined;
  #clientChallenge: Uint8Array | undefined;
  #identity: string | undefined;

  constructor(source: () => Uint8Array, algorithms: Uint8Array, identifier: number) {
    this.#source = source;
    this.#algorithms = algorithms;
    this.#identifier = identifier;
  }

  receive(bytes: Uint8Array): ServerAuthStep {
    const decoded = readAttributes(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) return refuse(`broken CHAP message: ${decoded.message}`, 0, decoded);
    const { value: list, byteLength: consumed } = decoded;
    if (this.#due === "status") return this.#takeStatus(list, consumed);
    const username = attributeValue(list, ATT.userIdentity);
    if (username !== undefined) {
      if (this.#username !== undefined && !sameOctets(this.#username, username)) {
        return refuse("the client sent two different user names", consumed);
      }
      this.#username = username;
    }
    return this.#due === "algorithms" ? this.#sendChallenge(list, consumed) : this.#takeResponse(list, consumed);
  }

  resolve(verdict: AuthVerdict): AuthStep {
    if (this.#due !== "verdict") throw notAwaited();
    this.#due = "status";
    if (verdict.accepted) return this.#accept(verdict);
    const message = "the client's user name or response was rejected";
    return failure("ERR_SOCKS_AUTH_REJECTED", message, 0, { send: statusMessage("failure") });
  }

  #sendChallenge(list: AttributeList, consumed: number): ServerAuthStep {
    const offered = attributeValue(list, ATT.algorithms);
    if (offered === undefined) return refuse("the client offers no algorithms", consumed);
    if (attributeValue(list, ATT.response) !== undefined || attributeValue(list, ATT.challenge) !== undefined) {
      return refuse("the client sent a response or a challenge before it got one", consumed);
    }
    const algorithm = this.#algorithms.find((candidate) => offered.includes(candidate));
    if (algorithm === undefined) return refuse("the client offers no algorithm that is taken here", consumed);
    this.#algorithm = algorithm;
    this.#challenge = takeChallenge(this.#source);
    this.#due = "response";
    const data = encodeAttributes(
      [ATT.algorithms, Uint8Array.of(algorithm)],
      [ATT.identifier, this.#identifierOctet()],
      [ATT.challenge, this.#challenge],
    );
    return { type: "send", consumed, data };
  }

  #takeResponse(list: AttributeList, consumed: number): ServerAuthStep {
    const response = attributeValue(list, ATT.response);
    const identifier = attributeValue(list, ATT.identifier);
    const clientChallenge = attributeValue(list, ATT.challenge);
    if (response === undefined) return refuse("the client sent no response to its challenge", consumed);
    if (this.#username === undefined) return refuse("the client sent no user name", consumed);
    const isMd5 = this.#algorithm === CHAP_ALGORITHM.md5;
    if (isMd5 && identifier !== undefined && !sameOctets(identifier, Uint8Array.of(this.#identifier))) {
      return refuse("the client answered a challenge with another identifier", consumed);
    }
    if (clientChallenge?.length === 0) return refuse("the client sent an empty challenge", consumed);
    if (clientChallenge !== undefined && sameOctets(clientChallenge, this.#challenge)) {
      return refuse("the client sent our own challenge back: a reflection", consumed);
    }
    this.#clientChallenge = clientChallenge;
    this.#due = "verdict";
    const evidence = new ReceivedChap(
      {
        username: this.#username,
        algorithm: this.#algorithm,
        identifier: isMd5 ? this.#identifier : undefined,
        challenge: this.#challenge,
        clientChallenge,
      },
      response,
    );
    return { type: "verify", consumed, evidence };
  }

  #accept({ identity, response }: AuthAccepted): AuthStep {
    this.#identity = identity;
    const proof = this.#clientChallenge === undefined ? undefined : response;
    const data = encodeAttributes(
      [ATT.status, statusOctets("success")],
      [ATT.identifier, this.#identifierOctet()],
      [ATT.response, proof],
    );
    // A client that got no proof decides for itself, and says nothing about it.
    if (proof === undefined) return { type: "done", consumed: 0, send: data, identity };
    return { type: "send", consumed: 0, data };
  }

  #takeStatus(list: AttributeList, consumed: number): AuthStep {
    const status = attributeValue(list, ATT.status);
    if (status === undefined) return refuse("the client did not say whether it trusts this server", consumed);
    if (saysSuccess(status)) return { type: "done", consumed, identity: this.#identity };
    return failure("ERR_SOCKS_AUTH_REJECTED", "the client does not trust this server's response", consumed);
  }

  #identifierOctet(): Uint8Array | undefined {
    return this.#algorithm === CHAP_ALGORITHM.md5 ? Uint8Array.of(this.#identifier) : undefined;
  }
}

/** Keeps the response behind an accessor, so that printing or serialising an event does not show it. */
class ReceivedChap implements ChapEvidence {
  readonly type = "chap";
  readonly username: Uint8Array;
  readonly algorithm: number;
  readonly identifier: number | undefined;
  readonly challenge: Uint8Array;
  readonly clientChallenge: Uint8Array | undefined;
  readonly #response: Uint8Array;

  constructor(shown: Omit<ChapEvidence, "type" | "response">, response: Uint8Array) {
    this.username = shown.username;
    this.algorithm = shown.algorithm;
    this.identifier = shown.identifier;
    this.challenge = shown.challenge;
    this.clientChallenge = shown.clientChallenge;
    this.#response = response;
  }

  get response(): Uint8Array {
    return this.#response;
  }
}

function refuse(message: string, consumed: number, cause?: WireError): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed, { send: statusMessage("failure"), cause });
}

function statusMessage(status: "success" | "failure"): Uint8Array {
  return encodeAttributes([ATT.status, statusOctets(status)]);
}

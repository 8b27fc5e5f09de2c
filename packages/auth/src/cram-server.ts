import { ATT, type AttributeList, MAX_ATTRIBUTE_LIST_LENGTH, METHOD, WireError } from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthChallenge, AuthVerdict, CramEvidence } from "./evidence.ts";
import { attributeValue, encodeAttributes, failure, readAttributes, statusOctets } from "./internal/attributes.ts";
import { type Charset, charsetFor, charsetOf, decodeText } from "./internal/charset.ts";
import { MAX_CRAM_ROUNDS } from "./internal/cram-rounds.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

const method: ServerAuthMethod = {
  method: METHOD.challengeResponseAuthenticationMethod,
  name: "cram",
  start: () => new CramServerExchange(),
};

/**
 * Gives the server side of method 0x05, CRAM (draft-ietf-aft-socks-cram-00).
 *
 * It asks for a verdict when the name is known (round 0) and after each answer. A verdict with a `challenge` puts it
 * to the client, at most 10 times; then the client is rejected. Put a challenge to unknown users as well: who is
 * rejected at once learns that there is no such user.
 */
export function cramServer(): ServerAuthMethod {
  return method;
}

class CramServerExchange implements ServerAuthExchange {
  readonly maxMessageLength: number = MAX_ATTRIBUTE_LIST_LENGTH;
  readonly evidence = "cram";
  #verifying = false;
  #round = 0;
  /** Of what the client says; the draft's default. */
  #charset: Charset = "iso-8859-1";
  #username: Uint8Array | undefined;
  #challenge: Uint8Array | undefined;

  receive(bytes: Uint8Array): ServerAuthStep {
    const decoded = readAttributes(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) return refuse(`broken CRAM message: ${decoded.message}`, 0, decoded);
    const { value: list, byteLength: consumed } = decoded;
    this.#charset = charsetOf(attributeValue(list, ATT.charset), this.#charset);
    if (this.#username === undefined) {
      const username = this.#textOf(list, ATT.userIdentity);
      if (username === undefined) return refuse("the client sent no user name", consumed);
      this.#username = username;
      return this.#verify(username, undefined, consumed);
    }
    const response = this.#textOf(list, ATT.response);
    if (response === undefined) return refuse("the client sent no answer to its challenge", consumed);
    return this.#verify(this.#username, response, consumed);
  }

  resolve(verdict: AuthVerdict): AuthStep {
    if (!this.#verifying) throw notAwaited();
    this.#verifying = false;
    if (verdict.accepted) {
      return { type: "done", consumed: 0, send: statusMessage("success"), identity: verdict.identity };
    }
    if ("challenge" in verdict && this.#round < MAX_CRAM_ROUNDS) return this.#ask(verdict);
    const message = "the client's user name or answer was rejected";
    return failure("ERR_SOCKS_AUTH_REJECTED", message, 0, { send: statusMessage("failure") });
  }

  #verify(username: Uint8Array, response: Uint8Array | undefined, consumed: number): ServerAuthStep {
    this.#verifying = true;
    const evidence = new ReceivedCram(username, this.#round, this.#challenge, response);
    return { type: "verify", consumed, evidence };
  }

  #ask({ challenge, text }: AuthChallenge): AuthStep {
    const octets = fieldOctets("challenge", challenge, 1);
    const textOctets = text === undefined ? undefined : fieldOctets("text", text, 0);
    const charset = charsetFor(typeof challenge === "string" ? octets : undefined, textOctets);
    this.#round++;
    this.#challenge = octets;
    const data = encodeAttributes([ATT.challenge, octets], [ATT.textMessage, textOctets], [ATT.charset, charset]);
    return { type: "send", consumed: 0, data };
  }

  /** An attribute's text as UTF-8. */
  #textOf(list: AttributeList, att: number): Uint8Array | undefined {
    const octets = attributeValue(list, att);
    if (octets === undefined || this.#charset !== "iso-8859-1") return octets;
    return new TextEncoder().encode(decodeText(octets, this.#charset));
  }
}

/** Keeps the response behind an accessor, so that printing or serialising an event does not show it. */
class ReceivedCram implements CramEvidence {
  readonly type = "cram";
  readonly username: Uint8Array;
  readonly round: number;
  readonly challenge: Uint8Array | undefined;
  readonly #response: Uint8Array | undefined;

  constructor(
    username: Uint8Array,
    round: number,
    challenge: Uint8Array | undefined,
    response: Uint8Array | undefined,
  ) {
    this.username = username;
    this.round = round;
    this.challenge = challenge;
    this.#response = response;
  }

  get response(): Uint8Array | undefined {
    return this.#response;
  }
}

function fieldOctets(field: string, value: string | Uint8Array, min: number): Uint8Array {
  const octets = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (octets.length >= min && octets.length <= 0xff) return octets;
  const message = `the ${field} for the client has ${octets.length} octets; expected ${min} to 255`;
  throw new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}

function refuse(message: string, consumed: number, cause?: WireError): AuthStep {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed, { send: statusMessage("failure"), cause });
}

function statusMessage(status: "success" | "failure"): Uint8Array {
  return encodeAttributes([ATT.status, statusOctets(status)]);
}

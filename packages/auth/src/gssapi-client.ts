import { MAX_GSSAPI_FRAME_LENGTH, METHOD, MTYP, WireError } from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import { formatOctet } from "./internal/format-octet.ts";
import { contextFrame, failure, levelFrame, MAX_GSSAPI_ROUNDS, readFrame } from "./internal/gssapi-frames.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import { joinOctets } from "./internal/octets.ts";
import type { AuthFailed, AuthStep, ClientAuthExchange, ClientAuthMethod, ClientAuthStep } from "./method.ts";
import type { AuthAnswer, GssapiQuestion, GssapiToken } from "./question.ts";

/** How {@link gssapiClient} speaks. */
export interface GssapiClientOptions {
  /**
   * Whether the protection level travels unprotected in both directions, as NEC's implementation has it. Whoever sits
   * between can then change it. Default false.
   */
  readonly nec?: boolean | undefined;
}

/**
 * Makes the client side of method 0x01, GSS-API (RFC 1961).
 *
 * It asks for the first context token, then for an answer to each of the proxy's, and at last whether the level that
 * the proxy grants will do. What follows is a `secure` step, unless the protection is `none`.
 */
export function gssapiClient(options: GssapiClientOptions = {}): ClientAuthMethod {
  const nec = options.nec === true;
  return { method: METHOD.gssapi, name: "gssapi", start: () => new GssapiClientExchange(nec) };
}

type State = "first" | "context" | "level" | "asking" | "securing" | "over";

class GssapiClientExchange implements ClientAuthExchange {
  readonly maxMessageLength: number = MAX_GSSAPI_FRAME_LENGTH;
  readonly #nec: boolean;
  #state: State = "first";
  #asked: GssapiQuestion["step"] = "context";
  #rounds = 0;
  #sawLast = false;

  constructor(nec: boolean) {
    this.#nec = nec;
  }

  /** The first octets need a context token: `receive` asks for it. */
  begin(): undefined {
    return undefined;
  }

  receive(bytes: Uint8Array): ClientAuthStep {
    if (this.#state === "first") return this.#ask({ type: "gssapi", step: "context", token: undefined }, 0);
    const decoded = readFrame(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) return broken(`broken GSS-API message: ${decoded.message}`, 0, decoded);
    const { mtyp, token } = decoded.value;
    const consumed = decoded.byteLength;
    if (mtyp === MTYP.abort) {
      this.#state = "over";
      return failure("ERR_SOCKS_AUTH_REJECTED", "the proxy refused the GSS-API context or its protection", {
        consumed,
      });
    }
    return this.#state === "context" ? this.#takeToken(mtyp, token, consumed) : this.#takeLevel(mtyp, token, consumed);
  }

  answer(answer: AuthAnswer): AuthStep {
    if (this.#state !== "asking" || answer.type !== "gssapi") throw notAwaited("answer");
    if ("error" in answer) {
      this.#state = "over";
      return { type: "failed", consumed: 0, error: answer.error };
    }
    if ("protection" in answer && this.#asked === "level") {
      const { protection } = answer;
      this.#state = protection === "none" ? "over" : "securing";
      if (protection === "none") return { type: "done", consumed: 0 };
      return { type: "secure", consumed: 0, layer: { type: "gssapi", protection } };
    }
    if ("token" in answer && this.#asked === "context") return this.#send(answer);
    throw notAwaited("answer");
  }

  secured(): AuthStep {
    if (this.#state !== "securing") throw notAwaited("secured");
    this.#state = "over";
    return { type: "done", consumed: 0 };
  }

  #ask(question: GssapiQuestion, consumed: number): ClientAuthStep {
    this.#state = "asking";
    this.#asked = question.step;
    return { type: "ask", consumed, question };
  }

  #takeToken(mtyp: number, token: Uint8Array, consumed: number): ClientAuthStep {
    if (mtyp !== MTYP.authentication) {
      return broken(`the proxy sent MTYP ${formatOctet(mtyp)}; expected 0x01`, consumed);
    }
    if (token.length === 0) return broken("the proxy sent an empty context token", consumed);
    this.#rounds += 1;
    if (this.#rounds > MAX_GSSAPI_ROUNDS) {
      return broken(`the proxy sent more than ${MAX_GSSAPI_ROUNDS} context tokens`, consumed);
    }
    return this.#ask({ type: "gssapi", step: "context", token }, consumed);
  }

  #takeLevel(mtyp: number, token: Uint8Array, consumed: number): ClientAuthStep {
    // A proxy whose side ended later than ours says so, perhaps with an empty token (RFC 1961 section 3.6).
    if (mtyp === MTYP.authentication && token.length === 0 && !this.#sawLast) {
      this.#sawLast = true;
      return { type: "continue", consumed };
    }
    if (mtyp !== MTYP.protectionLevel) {
      return broken(`the proxy sent MTYP ${formatOctet(mtyp)}; expected 0x02`, consumed);
    }
    if ((token.length === 1) !== this.#nec) {
      const form = this.#nec ? "protected" : "unprotected";
      return broken(`the proxy sent its protection level ${form}, another form than it was asked in`, consumed);
    }
    return this.#ask({ type: "gssapi", step: "level", token }, consumed);
  }

  #send({ token, level }: GssapiToken): AuthStep {
    if (token.length === 0 && level === undefined) {
      return this.#unsendable("the mechanism needs more of the proxy, but asks nothing");
    }
    if (level !== undefined && this.#nec !== (level.length === 1)) {
      return this.#unsendable(`the protection level has ${level.length} octets, which is the other form`);
    }
    try {
      const parts = token.length === 0 ? [] : [contextFrame(token)];
      if (level !== undefined) parts.push(levelFrame(level));
      this.#state = level === undefined ? "context" : "level";
      return { type: "send", consumed: 0, data: joinOctets(...parts) };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#unsendable(`the mechanism's token cannot be sent: ${error.message}`, error);
    }
  }

  #unsendable(message: string, cause?: unknown): AuthFailed {
    this.#state = "over";
    const error = new AuthError("ERR_SOCKS_GSSAPI_FAILED", message, { side: "local", cause });
    return { type: "failed", consumed: 0, error };
  }
}

function broken(message: string, consumed: number, cause?: WireError): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, { consumed, cause });
}

import { MAX_GSSAPI_FRAME_LENGTH, METHOD, MTYP, WireError } from "@sockskit/wire";

import type { AuthAccepted, AuthContextToken, AuthVerdict, GssapiEvidence } from "./evidence.ts";
import { ABORT, contextFrame, failure, levelFrame, MAX_GSSAPI_ROUNDS, readFrame } from "./internal/gssapi-frames.ts";
import { formatOctet } from "./internal/format-octet.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthFailed, AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

/** What {@link gssapiServer} lets pass. */
export interface GssapiServerOptions {
  /**
   * Whether a client may send its protection level unprotected, as NEC's implementation and some options of other
   * programs do. Whoever sits between can then change the level. Default false.
   */
  readonly nec?: boolean | undefined;
}

/**
 * Makes the server side of method 0x01, GSS-API (RFC 1961).
 *
 * It asks for a verdict on each context token, which is answered with an `AuthContextToken` until the client is
 * refused, and then on the protection level, which is answered with `accepted`, `response` and `protection`. What
 * follows is a `secure` step, unless the protection is `none`.
 */
export function gssapiServer(options: GssapiServerOptions = {}): ServerAuthMethod {
  const nec = options.nec === true;
  return { method: METHOD.gssapi, name: "gssapi", start: () => new GssapiServerExchange(nec) };
}

type State = "context" | "level" | "verifying" | "securing" | "over";

class GssapiServerExchange implements ServerAuthExchange {
  readonly maxMessageLength: number = MAX_GSSAPI_FRAME_LENGTH;
  readonly evidence = "gssapi";
  readonly #nec: boolean;
  #state: State = "context";
  #rounds = 0;
  #evidence: GssapiEvidence | undefined;
  #identity: string | undefined;

  constructor(nec: boolean) {
    this.#nec = nec;
  }

  receive(bytes: Uint8Array): ServerAuthStep {
    const decoded = readFrame(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) return refuse(`broken GSS-API message: ${decoded.message}`, 0, decoded);
    const { mtyp, token } = decoded.value;
    const consumed = decoded.byteLength;
    const expected = this.#state === "context" ? MTYP.authentication : MTYP.protectionLevel;
    if (mtyp !== expected) {
      return refuse(`the client sent MTYP ${formatOctet(mtyp)}; expected ${formatOctet(expected)}`, consumed);
    }
    if (this.#state === "context") {
      this.#rounds += 1;
      if (token.length === 0) return refuse("the client sent an empty context token", consumed);
      if (this.#rounds > MAX_GSSAPI_ROUNDS) {
        return refuse(`the client sent more than ${MAX_GSSAPI_ROUNDS} context tokens`, consumed);
      }
      return this.#verify({ type: "gssapi", step: "context", token }, consumed);
    }
    // No mechanism wraps an octet into one: it is the level itself.
    const nec = token.length === 1;
    if (nec && !this.#nec) {
      return refuse("the client sent its protection level unprotected (NEC form), which is not taken here", consumed);
    }
    return this.#verify({ type: "gssapi", step: nec ? "level-unprotected" : "level", token }, consumed);
  }

  resolve(verdict: AuthVerdict): AuthStep {
    const evidence = this.#evidence;
    if (this.#state !== "verifying" || evidence === undefined) throw notAwaited();
    this.#evidence = undefined;
    if (verdict.accepted && evidence.step !== "context") return this.#grant(verdict);
    if (!verdict.accepted && "token" in verdict && evidence.step === "context") return this.#goOn(verdict);
    this.#state = "over";
    return failure("ERR_SOCKS_AUTH_REJECTED", "the client's context or protection level was rejected", {
      consumed: 0,
      send: ABORT,
    });
  }

  secured(): AuthStep {
    if (this.#state !== "securing") throw notAwaited("secured");
    this.#state = "over";
    return { type: "done", consumed: 0, identity: this.#identity };
  }

  #verify(evidence: GssapiEvidence, consumed: number): ServerAuthStep {
    this.#state = "verifying";
    this.#evidence = evidence;
    return { type: "verify", consumed, evidence };
  }

  #goOn({ token, complete }: AuthContextToken): AuthStep {
    // RFC 1961 section 3.6: a server that is complete says so even when its mechanism has nothing to say.
    if (token.length === 0 && !complete)
      return this.#broken("the mechanism needs more of the client, but asks nothing");
    this.#state = complete ? "level" : "context";
    try {
      return { type: "send", consumed: 0, data: contextFrame(token) };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#broken(`the mechanism's token cannot be sent: ${error.message}`, error);
    }
  }

  #grant({ identity, response, protection }: AuthAccepted): AuthStep {
    if (response === undefined || protection === undefined) {
      return this.#broken("the verdict on the protection level has no response or no protection");
    }
    const send = levelFrame(response);
    if (protection === "none") {
      this.#state = "over";
      return { type: "done", consumed: 0, send, identity };
    }
    this.#state = "securing";
    this.#identity = identity;
    return { type: "secure", consumed: 0, send, layer: { type: "gssapi", protection } };
  }

  #broken(message: string, cause?: unknown): AuthFailed {
    this.#state = "over";
    return failure("ERR_SOCKS_GSSAPI_FAILED", message, { consumed: 0, send: ABORT, side: "local", cause });
  }
}

function refuse(message: string, consumed: number, cause?: WireError): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, { consumed, send: ABORT, cause });
}

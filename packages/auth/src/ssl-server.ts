import {
  MAX_METHOD_REQUEST_LENGTH,
  MAX_SSL_OPTIONS_LENGTH,
  METHOD,
  SSL_OPTION,
  WireError,
  decodeMethodRequest,
  decodeSslOptions,
  encodeMethodReply,
  encodeSslOptions,
} from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthVerdict } from "./evidence.ts";
import { failure } from "./internal/attributes.ts";
import { checkedInnerMethods, checkedSslMethod, innerStep } from "./internal/inner-exchange.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthDone, AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

/** Settings for {@link sslServer}. */
export interface SslServerOptions {
  /**
   * Methods to take inside TLS, most preferred first. At least one; `noneServer()` lets in whoever speaks TLS. Those
   * that protect the connection themselves (01, 06) cannot run there.
   */
  readonly methods: readonly ServerAuthMethod[];
  /** Whether UDP ASSOCIATE is served although its datagrams travel unprotected. Default false: it is answered 07. */
  readonly udpNaked?: boolean | undefined;
  /** Number to take: 0x06, or 0x86, which the draft prints. Default 0x06. */
  readonly method?: number | undefined;
}

/**
 * Makes the server side of method 0x06, TLS inside SOCKS (draft-ietf-aft-socks-ssl-00): the owner puts TLS in place,
 * then both sides agree on options, and one of the methods runs inside.
 *
 * A client that does not offer to authenticate inside is let in only where `none` is among the methods.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` (no method, one that cannot run inside, another number).
 */
export function sslServer(options: SslServerOptions): ServerAuthMethod {
  const methods = checkedInnerMethods(options.methods);
  if (methods.length === 0) {
    const message = "methods is empty; expected at least one, noneServer() to let in whoever speaks TLS";
    throw new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
  }
  const udpNaked = options.udpNaked === true;
  return {
    method: checkedSslMethod(options.method),
    name: "ssl",
    start: () => new SslServerExchange(methods, udpNaked),
  };
}

/** What is due: from the owner (`layer`), or from the client. */
type Due = "layer" | "options" | "methods" | "inner";

class SslServerExchange implements ServerAuthExchange {
  readonly #methods: readonly ServerAuthMethod[];
  readonly #udpNaked: boolean;
  #due: Due = "layer";
  #inner: ServerAuthExchange | undefined;
  #takesUdp = false;

  constructor(methods: readonly ServerAuthMethod[], udpNaked: boolean) {
    this.#methods = methods;
    this.#udpNaked = udpNaked;
  }

  get maxMessageLength(): number {
    if (this.#due === "methods") return MAX_METHOD_REQUEST_LENGTH;
    return this.#inner?.maxMessageLength ?? MAX_SSL_OPTIONS_LENGTH;
  }

  receive(bytes: Uint8Array): ServerAuthStep {
    switch (this.#due) {
      case "layer":
        return { type: "secure", consumed: 0, layer: { type: "ssl" } };
      case "options":
        return this.#takeOptions(bytes);
      case "methods":
        return this.#takeMethods(bytes);
      case "inner":
        return this.#carry((this.#inner as ServerAuthExchange).receive(bytes));
    }
  }

  secured(): AuthStep {
    if (this.#due !== "layer") throw notAwaited("secured");
    this.#due = "options";
    return { type: "incomplete" };
  }

  resolve(verdict: AuthVerdict): AuthStep {
    if (this.#inner === undefined) throw notAwaited();
    return this.#carry(this.#inner.resolve(verdict)) as AuthStep;
  }

  #takeOptions(bytes: Uint8Array): AuthStep {
    const decoded = decodeSslOptions(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    const { value, byteLength: consumed } = decoded;
    const authenticates = value.options.includes(SSL_OPTION.subauthentication);
    this.#takesUdp = this.#udpNaked && value.options.includes(SSL_OPTION.udpNaked);
    const chosen: number[] = [];
    if (authenticates) chosen.push(SSL_OPTION.subauthentication);
    if (this.#takesUdp) chosen.push(SSL_OPTION.udpNaked);
    const data = encodeSslOptions({ options: Uint8Array.from(chosen) });
    if (authenticates) {
      this.#due = "methods";
      return { type: "send", consumed, data };
    }
    if (this.#methods.some(({ method }) => method === METHOD.noAuthenticationRequired)) {
      return { ...this.#done(undefined), consumed, send: data };
    }
    const message = "the client does not offer to authenticate inside TLS, which is required here";
    return failure("ERR_SOCKS_NO_ACCEPTABLE_METHOD", message, consumed, { send: data });
  }

  #takeMethods(bytes: Uint8Array): ServerAuthStep {
    try {
      const decoded = decodeMethodRequest(bytes);
      if (decoded === undefined) return { type: "incomplete" };
      return this.#choose(decoded.value.methods, decoded.byteLength);
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      const message = `broken offer of methods inside TLS: ${cause.message}`;
      return failure("ERR_SOCKS_AUTH_PROTOCOL", message, 0, { cause, send: choice(METHOD.noAcceptableMethods) });
    }
  }

  #choose(offered: Uint8Array, consumed: number): AuthStep {
    const method = this.#methods.find((candidate) => offered.includes(candidate.method));
    if (method === undefined) {
      const send = choice(METHOD.noAcceptableMethods);
      const message = "the client offers no method inside TLS that is taken here";
      return failure("ERR_SOCKS_NO_ACCEPTABLE_METHOD", message, consumed, { send });
    }
    const data = choice(method.method);
    if (method.immediate === true) return { ...this.#done(undefined), consumed, send: data };
    this.#due = "inner";
    this.#inner = method.start();
    return { type: "send", consumed, data };
  }

  #carry(step: ServerAuthStep): ServerAuthStep {
    const outer = innerStep(step);
    return outer.type === "done" ? { ...outer, ...this.#done(outer.identity), consumed: outer.consumed } : outer;
  }

  #done(identity: string | undefined): AuthDone {
    return { type: "done", consumed: 0, identity, withoutUdp: !this.#takesUdp };
  }
}

function choice(method: number): Uint8Array {
  return encodeMethodReply({ method });
}

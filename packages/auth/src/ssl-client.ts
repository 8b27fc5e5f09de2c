import {
  MAX_METHOD_REPLY_LENGTH,
  MAX_SSL_OPTIONS_LENGTH,
  METHOD,
  SSL_OPTION,
  WireError,
  decodeMethodReply,
  decodeSslOptions,
  encodeMethodRequest,
  encodeSslOptions,
} from "@sockskit/wire";

import { failure } from "./internal/attributes.ts";
import { formatOctet } from "./internal/format-octet.ts";
import { checkedInnerMethods, checkedSslMethod, innerStep } from "./internal/inner-exchange.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthDone, AuthFailed, AuthStep, ClientAuthExchange, ClientAuthMethod, ClientAuthStep } from "./method.ts";
import type { AuthAnswer } from "./question.ts";

/** Settings for {@link sslClient}. */
export interface SslClientOptions {
  /**
   * Methods to offer inside TLS, most preferred first. Those that protect the connection themselves (01, 06) cannot run
   * there. Default: none, and the server must be content with that.
   */
  readonly methods?: readonly ClientAuthMethod[] | undefined;
  /** Whether datagrams of an association may travel unprotected. Default false: then servers refuse UDP ASSOCIATE. */
  readonly udpNaked?: boolean | undefined;
  /** Number to offer: 0x06, or 0x86, which the draft prints. Default 0x06. */
  readonly method?: number | undefined;
}

/**
 * Makes the client side of method 0x06, TLS inside SOCKS (draft-ietf-aft-socks-ssl-00): the owner puts TLS in place,
 * then both sides agree on options, and a method may run inside.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` (a method that cannot run inside, another number).
 */
export function sslClient(options: SslClientOptions = {}): ClientAuthMethod {
  const methods = checkedInnerMethods(options.methods ?? []);
  const offered: number[] = [];
  if (methods.length > 0) offered.push(SSL_OPTION.subauthentication);
  if (options.udpNaked === true) offered.push(SSL_OPTION.udpNaked);
  return {
    method: checkedSslMethod(options.method),
    name: "ssl",
    start: () => new SslClientExchange(methods, offered),
  };
}

/** What is due: from the owner (`layer`), or from the server. */
type Due = "layer" | "options" | "method" | "inner";

class SslClientExchange implements ClientAuthExchange {
  readonly #methods: readonly ClientAuthMethod[];
  readonly #offered: readonly number[];
  #due: Due = "layer";
  #inner: ClientAuthExchange | undefined;
  #withoutUdp = true;

  constructor(methods: readonly ClientAuthMethod[], offered: readonly number[]) {
    this.#methods = methods;
    this.#offered = offered;
  }

  get maxMessageLength(): number {
    if (this.#due === "method") return MAX_METHOD_REPLY_LENGTH;
    return this.#inner?.maxMessageLength ?? MAX_SSL_OPTIONS_LENGTH;
  }

  begin(): undefined {
    return undefined;
  }

  receive(bytes: Uint8Array): ClientAuthStep {
    switch (this.#due) {
      case "layer":
        return { type: "secure", consumed: 0, layer: { type: "ssl" } };
      case "options":
        return this.#takeOptions(bytes);
      case "method":
        return this.#takeMethod(bytes);
      case "inner":
        return this.#carry((this.#inner as ClientAuthExchange).receive(bytes));
    }
  }

  secured(): AuthStep {
    if (this.#due !== "layer") throw notAwaited("secured");
    this.#due = "options";
    return { type: "send", consumed: 0, data: encodeSslOptions({ options: Uint8Array.from(this.#offered) }) };
  }

  answer(answer: AuthAnswer): AuthStep {
    const inner = this.#inner;
    if (inner?.answer === undefined) throw notAwaited("answer");
    return this.#carry(inner.answer(answer)) as AuthStep;
  }

  #takeOptions(bytes: Uint8Array): AuthStep {
    const decoded = decodeSslOptions(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    const { value, byteLength: consumed } = decoded;
    const stranger = value.options.find((option) => !this.#offered.includes(option));
    if (stranger !== undefined) {
      return protocolFailure(`the proxy chose option ${formatOctet(stranger)}, which was not offered`, consumed);
    }
    this.#withoutUdp = !value.options.includes(SSL_OPTION.udpNaked);
    if (!value.options.includes(SSL_OPTION.subauthentication)) return this.#done(consumed);
    this.#due = "method";
    const methods = Uint8Array.from(this.#methods, ({ method }) => method);
    return { type: "send", consumed, data: encodeMethodRequest({ methods }) };
  }

  #takeMethod(bytes: Uint8Array): AuthStep {
    try {
      const decoded = decodeMethodReply(bytes);
      if (decoded === undefined) return { type: "incomplete" };
      return this.#startInner(decoded.value.method, decoded.byteLength);
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      return protocolFailure(`broken choice of a method inside TLS: ${cause.message}`, 0, cause);
    }
  }

  #startInner(chosen: number, consumed: number): AuthStep {
    const method = this.#methods.find((candidate) => candidate.method === chosen);
    if (method === undefined) {
      if (chosen !== METHOD.noAcceptableMethods) {
        const message = `the proxy chose method ${formatOctet(chosen)} inside TLS, which was not offered`;
        return failure("ERR_SOCKS_METHOD_NOT_OFFERED", message, consumed);
      }
      const message = "proxy takes none of the methods that were offered inside TLS";
      return failure("ERR_SOCKS_NO_ACCEPTABLE_METHOD", message, consumed);
    }
    if (method.immediate === true) return this.#done(consumed);
    this.#due = "inner";
    this.#inner = method.start();
    const first = this.#inner.begin();
    return first === undefined ? { type: "continue", consumed } : { type: "send", consumed, data: first };
  }

  #carry(step: ClientAuthStep): ClientAuthStep {
    const outer = innerStep(step);
    return outer.type === "done" ? { ...outer, ...this.#done(outer.consumed) } : outer;
  }

  #done(consumed: number): AuthDone {
    return { type: "done", consumed, withoutUdp: this.#withoutUdp };
  }
}

function protocolFailure(message: string, consumed: number, cause?: WireError): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed, { cause });
}

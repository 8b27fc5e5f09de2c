import type { AuthAnswer, AuthQuestion, ClientAuthMethod, SecureLayer } from "@sockskit/auth";
import { type AskingProxy, AuthPlan, type ProxyAuthOptions } from "@sockskit/dial";
import { formatProxyUrl, type ProxyUrl } from "@sockskit/url";

import type { Conversation } from "./conversation.ts";

/** How the requests of a probe show the proxy who this is: one value for each connection. */
export class LogIn {
  readonly #plan: AuthPlan;
  readonly #asking: AskingProxy;
  readonly #over = new AbortController();

  /**
   * @param datagrams - Whether the request is about datagrams.
   * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(proxy: ProxyUrl, options: ProxyAuthOptions | undefined, datagrams = false) {
    this.#plan = new AuthPlan(options, datagrams);
    this.#asking = { proxy, reference: () => ({ index: 0, proxy: formatProxyUrl(proxy) }) };
  }

  /**
   * What the proxy is offered.
   *
   * @throws SocksError `ERR_SOCKS_BAD_OPTION` when nothing can be.
   */
  methods(): readonly ClientAuthMethod[] {
    return this.#plan.methodsFor(this.#asking.proxy);
  }

  /** Answers a question of the proxy; `"silent"` when that takes longer than the conversation may. */
  answer(question: AuthQuestion, conversation: Conversation): Promise<AuthAnswer | "silent"> {
    return conversation.wait(this.#plan.answer(question, this.#asking, this.#over.signal));
  }

  /** Puts the layer that a method left behind over the conversation; `"silent"` when that takes too long. */
  async protect(layer: SecureLayer, early: Uint8Array | undefined, conversation: Conversation): Promise<Protected> {
    if (early !== undefined) conversation.socket.unshift(early);
    const opened = await conversation.wait(this.#plan.openLayer(layer, conversation.socket, this.#asking.proxy));
    if (opened === "silent") return opened;
    conversation.goThrough(opened.socket);
    return { authenticated: () => opened.authenticated?.() };
  }

  /** Frees what questions have left behind. */
  end(): void {
    this.#over.abort();
  }
}

/** A layer in place, to be told that authentication is over. */
export type Protected = { readonly authenticated: () => void } | "silent";

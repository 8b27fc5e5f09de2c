import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import {
  type AuthAnswer,
  type AuthQuestion,
  chapClient,
  type ClientAuthMethod,
  cramClient,
  type CramQuestion,
  mafClient,
  noneClient,
  type SecureLayer,
  sslClient,
  userPassClient,
} from "@sockskit/auth";
import { credentialsOf } from "@sockskit/url";

import type { HopReference } from "../errors.ts";
import { badOption } from "../internal/require.ts";
import { requireTimeout } from "../internal/operation.ts";
import type { LayeredConnection } from "../layer/layered-connection.ts";
import { openSslClient } from "../layer/ssl-layer.ts";
import type { ProxyHop } from "../chain/hop.ts";
import type { ProxyAuthMethod, ProxyAuthOptions } from "./proxy-auth.ts";

const NONE = noneClient();
const DEFAULT_METHODS: readonly ProxyAuthMethod[] = ["none", "userpass"];
const METHOD_NAMES: readonly ProxyAuthMethod[] = [...DEFAULT_METHODS, "chap", "cram", "ssl", "maf"];
/** How long a person may think about a question. */
const DEFAULT_ANSWER_TIMEOUT_MS = 60_000;
const CHALLENGE_LENGTH = 32;

const md5 = (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest();

/** {@link ProxyAuthOptions}, checked. */
export class AuthPlan {
  readonly #options: ProxyAuthOptions;
  readonly answerTimeoutMs: number;

  /** @throws SocksError `ERR_SOCKS_BAD_OPTION`. */
  constructor(options: ProxyAuthOptions = {}) {
    this.#options = options;
    this.answerTimeoutMs = requireTimeout("answerTimeoutMs", options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS);
    for (const list of [options.methods, options.ssl?.methods]) if (list !== undefined) requireMethods(list);
    const inside: readonly ProxyAuthMethod[] = options.ssl?.methods ?? [];
    if (inside.includes("ssl")) throw badOption('"ssl" cannot run inside "ssl"');
    const named = [...(options.methods ?? []), ...inside];
    if (named.includes("cram") && options.onQuestion === undefined) {
      throw badOption('the method "cram" asks a person; give onQuestion, which answers');
    }
    if (named.includes("maf") && options.maf === undefined) {
      throw badOption('the method "maf" runs methods that both sides agreed on; give them as maf');
    }
  }

  /** Whether the caller wants no connection without authentication: methods are named, and "none" is not among them. */
  get isRequired(): boolean {
    return this.#options.methods?.includes("none") === false;
  }

  /**
   * What a proxy is offered.
   *
   * @throws SocksError, AuthError, ProxyUrlError, when nothing can be offered to it.
   */
  methodsFor(proxy: ProxyHop): readonly ClientAuthMethod[] {
    const methods = this.#offered(this.#options.methods ?? DEFAULT_METHODS, proxy);
    if (methods.length > 0) return methods;
    throw badOption(
      `every method that may be offered (${(this.#options.methods ?? []).join(", ")}) needs a user name; put it into the URL of the proxy`,
    );
  }

  /** Finds the answer to a question. */
  async answer(question: AuthQuestion, hop: HopReference, signal: AbortSignal): Promise<AuthAnswer> {
    const { type, ...asked } = question as CramQuestion;
    return { type, response: await this.#options.onQuestion?.({ ...asked, hop, signal }) };
  }

  /** Puts the layer over a connection that a method left behind. */
  openLayer(_layer: SecureLayer, socket: Socket, { address }: ProxyHop): Promise<LayeredConnection> {
    return openSslClient(socket, { host: address.host, isName: address.type === "domain" }, this.#options.ssl);
  }

  #offered(names: readonly ProxyAuthMethod[], proxy: ProxyHop): readonly ClientAuthMethod[] {
    return names.map((name) => this.#method(name, proxy)).filter((method) => method !== undefined);
  }

  #method(name: ProxyAuthMethod, proxy: ProxyHop): ClientAuthMethod | undefined {
    const { requireMutual = false, ssl, maf } = this.#options;
    if (name === "none") return NONE;
    if (name === "maf") return maf === undefined ? undefined : mafClient(maf);
    if (name === "ssl") return sslClient({ ...ssl, methods: this.#offered(ssl?.methods ?? DEFAULT_METHODS, proxy) });
    const credentials = credentialsOf(proxy);
    if (credentials === undefined) return undefined;
    switch (name) {
      case "userpass":
        return userPassClient(credentials);
      case "chap": {
        const challenge = (): Uint8Array => randomBytes(CHALLENGE_LENGTH);
        return chapClient({ ...credentials, md5, ...(requireMutual ? { challenge, requireMutual } : {}) });
      }
      case "cram":
        return cramClient(credentials);
    }
  }
}

function requireMethods(names: readonly ProxyAuthMethod[]): void {
  if (!Array.isArray(names) || names.length === 0) throw badOption("methods is empty; expected at least one method");
  const stranger: unknown = (names as readonly ProxyAuthMethod[]).find((name) => !METHOD_NAMES.includes(name));
  if (stranger === "nds") {
    throw badOption('"nds", Novell Directory Services (0x07), cannot be spoken: nobody has published how it works');
  }
  if (stranger !== undefined) {
    throw badOption(`${JSON.stringify(stranger)} is no method; expected one of ${METHOD_NAMES.join(", ")}`);
  }
}

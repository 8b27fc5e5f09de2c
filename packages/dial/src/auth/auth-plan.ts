import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import {
  type AuthAnswer,
  type AuthQuestion,
  chapClient,
  type ClientAuthMethod,
  cramClient,
  gssapiClient,
  type GssapiQuestion,
  mafClient,
  noneClient,
  type SecureLayer,
  sslClient,
  userPassClient,
} from "@sockskit/auth";
import { credentialsOf, formatProxyUrl } from "@sockskit/url";

import { badOption } from "../internal/require.ts";
import { requireTimeout } from "../internal/operation.ts";
import type { LayeredConnection } from "../layer/layered-connection.ts";
import { openSslClient } from "../layer/ssl-layer.ts";
import type { HopReference } from "../errors.ts";
import type { ProxyHop } from "../chain/hop.ts";
import { tlsSettings } from "../chain/tls-options.ts";
import type { ProxyAuthMethod, ProxyAuthOptions } from "./proxy-auth.ts";
import type { DatagramProtection, ProxyGssapi, ProxyGssapiContext } from "./proxy-gssapi.ts";

const NONE = noneClient();
const DEFAULT_METHODS: readonly ProxyAuthMethod[] = ["none", "userpass"];
const METHOD_NAMES: readonly ProxyAuthMethod[] = [...DEFAULT_METHODS, "gssapi", "chap", "cram", "ssl", "maf"];
/** How long a person may think about a question. */
const DEFAULT_ANSWER_TIMEOUT_MS = 60_000;
const CHALLENGE_LENGTH = 32;
/** Options that count for one method only. */
const METHOD_OF_OPTION = [
  ["ssl", "ssl"],
  ["gssapi", "gssapi"],
  ["maf", "maf"],
  ["requireMutual", "chap"],
] as const;
/** What callers call the options of TLS inside SOCKS. */
const SSL_NAME = "proxyAuth.ssl";

const md5 = (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest();

/** The proxy that has a question. */
export interface AskingProxy {
  /** The proxy. */
  readonly proxy: ProxyHop;
  /** Its place in the chain, and its URL for people. */
  reference(): HopReference;
}

/** {@link ProxyAuthOptions}, checked: what proxies are offered, and how their questions are answered. For one way to go. */
export class AuthPlan {
  readonly #options: ProxyAuthOptions;
  /** How long a person may take for an answer, in milliseconds. */
  readonly answerTimeoutMs: number;
  readonly #datagrams: boolean;
  readonly #contexts = new Map<ProxyHop, ProxyGssapiContext>();
  /** Those whose connection is protected by its context. */
  readonly #protected = new Set<ProxyHop>();

  /**
   * @param datagrams - Whether datagrams are to be relayed.
   * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(options: ProxyAuthOptions = {}, datagrams = false) {
    this.#options = options;
    this.#datagrams = datagrams;
    this.answerTimeoutMs = requireTimeout("answerTimeoutMs", options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS);
    for (const list of [options.methods, options.ssl?.methods]) if (list !== undefined) requireMethods(list);
    const inside: readonly ProxyAuthMethod[] = options.ssl?.methods ?? [];
    const outer = inside.find((name) => name === "ssl" || name === "gssapi");
    if (outer !== undefined) throw badOption(`"${outer}" cannot run inside "ssl"`);
    const named = [...(options.methods ?? []), ...inside];
    requireNamed(options, named);
    if (named.includes("ssl")) tlsSettings(options.ssl, SSL_NAME);
    if (named.includes("cram") && options.onQuestion === undefined) {
      throw badOption('the method "cram" asks a person; give onQuestion, which answers');
    }
    if (named.includes("gssapi") && options.gssapi === undefined) {
      throw badOption('the method "gssapi" needs gssapi: a GssapiInitiator of @sockskit/auth-gssapi');
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
    const methods = this.#offered(this.#namesFor(proxy), proxy);
    if (methods.length > 0) return methods;
    const names = (this.#options.methods ?? []).join(", ");
    throw badOption(
      `every method that may be offered (${names}) needs a user name; put it into ${formatProxyUrl(proxy)}`,
    );
  }

  /** Finds the answer to a question. */
  async answer(question: AuthQuestion, hop: AskingProxy, signal: AbortSignal): Promise<AuthAnswer> {
    if (question.type === "gssapi") return this.#answerGssapi(question, hop.proxy, signal);
    const { type, ...asked } = question;
    return { type, response: await this.#options.onQuestion?.({ ...asked, hop: hop.reference(), signal }) };
  }

  /** Puts the layer over a connection that a method left behind. */
  async openLayer(layer: SecureLayer, socket: Socket, proxy: ProxyHop): Promise<LayeredConnection> {
    const context = this.#contexts.get(proxy);
    // It has what everybody uses of a socket.
    if (layer.type === "gssapi" && context !== undefined) {
      this.#protected.add(proxy);
      return { socket: context.protect(socket) as unknown as Socket };
    }
    return openSslClient(socket, proxy.address.host, tlsSettings(this.#options.ssl, SSL_NAME));
  }

  /** Protects the datagrams that a proxy relays; `undefined` when nothing does. */
  datagramsOf(proxy: ProxyHop): DatagramProtection | undefined {
    return this.#protected.has(proxy) ? this.#contexts.get(proxy)?.datagrams() : undefined;
  }

  /** One context for each connection: it begins with the first question. */
  async #answerGssapi(question: GssapiQuestion, proxy: ProxyHop, signal: AbortSignal): Promise<AuthAnswer> {
    let context = this.#contexts.get(proxy);
    if (context === undefined || (question.step === "context" && question.token === undefined)) {
      const { address, gssapi } = proxy;
      context = (this.#gssapi as ProxyGssapi).start({ host: address.host, datagrams: this.#datagrams, ...gssapi });
      this.#contexts.set(proxy, context);
    }
    const free = context.dispose.bind(context);
    signal.addEventListener("abort", free, { once: true });
    const answer = await context.answer(question);
    const isOver = "error" in answer || ("protection" in answer && answer.protection === "none");
    if (isOver) free();
    return answer;
  }

  /** Whose URL has options of GSS-API is offered nothing else unless told so: they protect everything that follows. */
  #namesFor(proxy: ProxyHop): readonly ProxyAuthMethod[] {
    const { methods } = this.#options;
    if (proxy.gssapi === undefined) return methods ?? DEFAULT_METHODS;
    const problem =
      methods?.includes("gssapi") === false
        ? 'the methods do not name "gssapi"; add it'
        : this.#gssapi === undefined && "gssapiForUrls is missing: a GssapiInitiator of @sockskit/auth-gssapi";
    if (typeof problem === "string") {
      throw badOption(`${formatProxyUrl(proxy)} has options of GSS-API, but ${problem}`);
    }
    return methods ?? ["gssapi"];
  }

  get #gssapi(): ProxyGssapi | undefined {
    return this.#options.gssapi ?? this.#options.gssapiForUrls;
  }

  #offered(names: readonly ProxyAuthMethod[], proxy: ProxyHop): readonly ClientAuthMethod[] {
    return names.map((name) => this.#method(name, proxy)).filter((method) => method !== undefined);
  }

  #method(name: ProxyAuthMethod, proxy: ProxyHop): ClientAuthMethod | undefined {
    const { requireMutual = false, ssl, maf } = this.#options;
    if (name === "none") return NONE;
    if (name === "gssapi") return gssapiClient({ nec: proxy.gssapi?.nec ?? this.#gssapi?.nec });
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

/** Who gives options of a method expects it to be used, above all when it protects something. */
function requireNamed(options: ProxyAuthOptions, named: readonly ProxyAuthMethod[]): void {
  for (const [option, method] of METHOD_OF_OPTION) {
    const { [option]: given = false } = options;
    if (given === false || named.includes(method)) continue;
    throw badOption(
      `proxyAuth.${option} is given, but the methods do not name "${method}"; add it to proxyAuth.methods`,
    );
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

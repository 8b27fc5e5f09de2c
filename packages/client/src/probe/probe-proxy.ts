import { type ClientAuthMethod, noneClient, userPassClient } from "@sockskit/auth";
import {
  type AddressFamily,
  createResolver,
  dialAddress,
  isSocksError,
  type Resolver,
  SocksError,
} from "@sockskit/dial";
import { ClientHandshake, type ClientHandshakeOptions, HandshakeError } from "@sockskit/handshake";
import { credentialsOf, formatProxyUrl, type ProxyUrl } from "@sockskit/url";
import { type Address, formatAddress, formatHost, ipv4Address, METHOD, methodName } from "@sockskit/wire";

import { readDestination, readProxy, requireOptions, type Target } from "../read-options.ts";
import { Conversation } from "./conversation.ts";
import { askMethods, askRequest } from "./questions.ts";
import { askHttp, askTls, recogniseOctets, type Recognition } from "./recognise.ts";
import type { ProbeAnswer, ProbeMethod, ProbeReport } from "./report.ts";
import { type Targets, targetsOf } from "./targets.ts";

/** Whom {@link probeProxy} asks, and how. */
export interface ProbeOptions {
  /** The proxy. Its scheme does not matter, every version is tried; TLS schemes are refused. */
  readonly proxy: string | ProxyUrl;
  /**
   * What to ask the proxy to connect to. Default: port 1 of its own host as `127.0.0.1`, `::1` and `localhost`, where
   * hardly anything listens: a proper refusal shows that the proxy understood.
   */
  readonly target?: Target | undefined;
  /** How long each connection, and then each answer, may take, in milliseconds. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** IP version for reaching the proxy. Default `"auto"`. */
  readonly family?: AddressFamily | undefined;
  /** Looks up the proxy's name, and the target's. Default: a resolver of its own. */
  readonly resolver?: Resolver | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

const METHODS: readonly number[] = Object.values(METHOD).filter((method) => method !== METHOD.noAcceptableMethods);

/**
 * Finds out what a proxy speaks, by asking: versions, authentication methods, commands, address types, and how fast
 * it answers. It opens about twenty connections, one after the other, sends credentials once per request at most, and
 * stops asking where the first answer makes others pointless. A server that is no SOCKS proxy is recognised where its
 * first words tell.
 *
 * @throws SocksError when there is nobody to ask: `ERR_SOCKS_PROXY_UNREACHABLE`, `ERR_SOCKS_RESOLVE_FAILED`,
 *   `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`, `ERR_SOCKS_TLS_NOT_SUPPORTED`; or when an option cannot be used:
 *   `ERR_SOCKS_BAD_OPTION` and the codes of URLs and addresses.
 */
export async function probeProxy(options: ProbeOptions): Promise<ProbeReport> {
  return new Probe(options).run();
}

class Probe {
  readonly #options: ProbeOptions;
  readonly #proxy: ProxyUrl;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #resolver: Resolver;
  readonly #target: Address | undefined;
  #address: Address;
  #connectMs = 0;
  /** The first octets that were no SOCKS. */
  #heard: Uint8Array = new Uint8Array(0);

  constructor(options: ProbeOptions) {
    requireOptions(options);
    this.#options = options;
    this.#proxy = readProxy(options.proxy);
    this.#url = formatProxyUrl(this.#proxy);
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#target = options.target === undefined ? undefined : readDestination(options.target);
    this.#resolver = options.resolver ?? createResolver();
    this.#address = this.#proxy.address;
    if (this.#proxy.tls) {
      const message = `proxy ${this.#url}: TLS to a proxy is not supported yet`;
      throw new SocksError("ERR_SOCKS_TLS_NOT_SUPPORTED", message, {
        side: "local",
        hop: { index: 0, proxy: this.#url },
      });
    }
  }

  async run(): Promise<ProbeReport> {
    const { family = "auto", signal } = this.#options;
    const negotiation = await this.#negotiate();
    const targets = await targetsOf(this.#target, this.#resolver, family, signal);
    const socks4 = await this.#socks4(targets);
    const isSocks5 = negotiation.chosen !== undefined;
    const socks5 = isSocks5 ? await this.#socks5(targets) : {};
    const versions = {
      socks4: isReply(socks4.connect),
      socks4a: isReply(socks4.connectName),
      socks5: isSocks5,
    };
    const isSocks = versions.socks4 || versions.socks4a || versions.socks5;
    const recognition = isSocks ? ({ protocol: "socks" } as const) : await this.#recognise();
    const first = [socks5.connectIpv4, socks5.connectName, socks4.connect].find(isReply);
    return {
      proxy: this.#url,
      address: formatAddress(this.#address),
      ...recognition,
      versions,
      authMethods: isSocks5 ? await this.#authMethods() : [],
      ...(negotiation.chosen !== undefined &&
        negotiation.chosen !== METHOD.noAcceptableMethods && { preferredMethod: negotiation.chosen }),
      target: targets.text,
      socks4,
      socks5,
      latency: {
        connectMs: this.#connectMs,
        ...(isSocks5 && { negotiateMs: negotiation.elapsedMs }),
        ...(first !== undefined && { requestMs: first.elapsedMs }),
      },
    };
  }

  /** The first question: every method at once. It tells whether SOCKS 5 is spoken, and what the proxy prefers. */
  async #negotiate(): Promise<{ readonly chosen: number | undefined; readonly elapsedMs: number }> {
    const openedAt = performance.now();
    return this.#ask(async (conversation) => {
      const greetedAt = performance.now();
      this.#connectMs = greetedAt - openedAt;
      const chosen = await askMethods(conversation, METHODS);
      return { chosen: typeof chosen === "number" ? chosen : undefined, elapsedMs: performance.now() - greetedAt };
    });
  }

  async #authMethods(): Promise<readonly ProbeMethod[]> {
    const answers: ProbeMethod[] = [];
    for (const method of METHODS) {
      const chosen = await this.#ask((conversation) => askMethods(conversation, [method])).catch(lostCode);
      const accepted = typeof chosen === "number" ? chosen === method : undefined;
      answers.push({ method, name: methodName(method) ?? "", accepted });
    }
    return answers;
  }

  async #socks4({ ipv4, name }: Targets): Promise<ProbeReport["socks4"]> {
    const version = { version: 4, userId: this.#proxy.username } as const;
    const first = ipv4 ?? name;
    if (first === undefined) return {};
    const answer = await this.#request({ ...version, destination: first });
    if (!isReply(answer)) return ipv4 === undefined ? { connectName: answer } : { connect: answer };
    return {
      ...(ipv4 !== undefined && { connect: answer }),
      ...(name !== undefined && {
        connectName: ipv4 === undefined ? answer : await this.#request({ ...version, destination: name }),
      }),
      ...(ipv4 !== undefined && { bind: await this.#request({ ...version, command: "bind", destination: ipv4 }) }),
    };
  }

  async #socks5({ ipv4, ipv6, name }: Targets): Promise<ProbeReport["socks5"]> {
    const version = { version: 5, authMethods: this.#offer() } as const;
    const answers: { -readonly [Key in keyof ProbeReport["socks5"]]: ProbeAnswer } = {};
    const questions = [
      ["connectIpv4", "connect", ipv4],
      ["connectName", "connect", name],
      ["connectIpv6", "connect", ipv6],
      ["bind", "bind", ipv4],
      ["udpAssociate", "udp-associate", ipv4Address(new Uint8Array(4), 0)],
    ] as const;
    for (const [key, command, destination] of questions) {
      if (destination === undefined) continue;
      const answer = await this.#request({ ...version, command, destination });
      answers[key] = answer;
      // Not let in: it would be the same again, and might lock the user out.
      if (answer.outcome === "failed") break;
    }
    return answers;
  }

  #offer(): readonly ClientAuthMethod[] {
    const credentials = credentialsOf(this.#proxy);
    return credentials === undefined ? [noneClient()] : [noneClient(), userPassClient(credentials)];
  }

  async #request(request: ClientHandshakeOptions): Promise<ProbeAnswer> {
    const startedAt = performance.now();
    try {
      const machine = new ClientHandshake({ ...request, lenientVersion: true });
      return await this.#ask((conversation) => askRequest(conversation, machine));
    } catch (error) {
      return { outcome: "failed", code: lostCode(error), elapsedMs: performance.now() - startedAt };
    }
  }

  /** Asks on a connection of its own. */
  async #ask<T>(question: (conversation: Conversation) => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    const conversation = await this.#open();
    const onAbort = (): void => conversation.close();
    signal?.addEventListener("abort", onAbort);
    try {
      const answer = await question(conversation);
      if (signal?.aborted === true) throw aborted(this.#url, signal);
      return answer;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (this.#heard.length === 0) this.#heard = conversation.heard;
      conversation.close();
    }
  }

  async #recognise(): Promise<Recognition> {
    const heard = recogniseOctets(this.#heard);
    if (heard.protocol !== "unknown") return heard;
    const host = formatHost(this.#proxy.address);
    const http = await this.#ask((conversation) => askHttp(conversation, host));
    if (http.protocol !== "unknown") return http;
    return this.#ask((conversation) => askTls(conversation));
  }

  async #open(): Promise<Conversation> {
    const { family, signal } = this.#options;
    try {
      const { socket, address } = await dialAddress({
        destination: this.#address,
        resolver: this.#resolver,
        family,
        signal,
        connectTimeoutMs: this.#timeoutMs,
      });
      this.#address = address;
      return new Conversation(socket, this.#timeoutMs);
    } catch (error) {
      if (!isSocksError(error)) throw error;
      const isResolving = error.stage === "resolve";
      const code = error.code === "ERR_SOCKS_TARGET_UNREACHABLE" ? "ERR_SOCKS_PROXY_UNREACHABLE" : error.code;
      throw new SocksError(code, `proxy ${this.#url}: ${error.message}`, {
        side: error.side,
        stage: isResolving ? "resolve" : "dial-proxy",
        hop: { index: 0, proxy: this.#url },
        cause: error,
      });
    }
  }
}

/** Whether it is a reply, good or bad, in the version that was asked in. */
function isReply(answer: ProbeAnswer | undefined): answer is ProbeAnswer {
  return answer?.outcome === "granted" || answer?.outcome === "refused";
}

/**
 * Code of the error when a question cannot be asked: the proxy, which was there a moment ago, takes no further connection,
 * or the version has no form for it. Others are thrown on.
 */
function lostCode(error: unknown): string {
  if (error instanceof HandshakeError) return error.code;
  if (isSocksError(error) && error.code !== "ERR_SOCKS_ABORTED") return error.code;
  throw error;
}

function aborted(url: string, signal: AbortSignal): SocksError {
  const hop = { index: 0, proxy: url };
  const message = `cancelled by the caller while asking proxy ${url}`;
  return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", hop, cause: signal.reason as unknown });
}

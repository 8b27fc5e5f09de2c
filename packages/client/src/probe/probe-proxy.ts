import { AuthError } from "@sockskit/auth";
import {
  type AddressFamily,
  createResolver,
  dialProxy,
  isSocksError,
  type ProxyAuthOptions,
  type ProxyGssapi,
  type ProxyProtocolOptions,
  type ProxyTlsOptions,
  type Resolver,
  SocksError,
} from "@sockskit/dial";
import { ClientHandshake, type HandshakeCommand, HandshakeError } from "@sockskit/handshake";
import { formatProxyUrl, type ProxyUrl } from "@sockskit/url";
import {
  type Address,
  domainAddress,
  formatAddress,
  formatHost,
  ipv4Address,
  METHOD,
  methodName,
} from "@sockskit/wire";

import { readDestination, readProxy, requireOptions, type Target } from "../read-options.ts";
import { Conversation } from "./conversation.ts";
import { askHttpProxy, statusOf } from "./http-proxy.ts";
import { askGssapi } from "./gssapi.ts";
import { LogIn } from "./log-in.ts";
import { askMethods, askRequest } from "./questions.ts";
import { abilitiesOf } from "./abilities.ts";
import { askHttp, askTls, recogniseOctets, type Recognition } from "./recognise.ts";
import type { ProbeAnswer, ProbeFinding, ProbeGssapi, ProbeMethod, ProbeReport } from "./report.ts";
import { type Clues, guessSoftware, isTorLine, mayBeTor } from "./software.ts";
import { type Socks4Findings, Socks4Probe } from "./socks4.ts";
import { type Targets, targetsOf } from "./targets.ts";
import { findSocks5, withoutSocks } from "./versions.ts";

/** Whom {@link probeProxy} asks, and how. */
export interface ProbeOptions {
  /** The proxy. Its scheme does not matter, every version is tried; it only says whether there is TLS. */
  readonly proxy: string | ProxyUrl;
  /**
   * What to ask the proxy to connect to. Default: port 1 of its own host as `127.0.0.1`, `::1` and `localhost`, where
   * hardly anything listens: a proper refusal shows that the proxy understood.
   */
  readonly target?: Target | undefined;
  /** How long each connection, and then each answer, may take, in milliseconds. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** TLS with the proxy, where its scheme has it. Default: its certificate must be of an authority that Node trusts. */
  readonly tls?: ProxyTlsOptions | undefined;
  /** Sends it a header of the PROXY protocol first, on each connection. Default: none. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
  /** How requests show the proxy who this is. Default: nothing, or the user name and password of its URL. */
  readonly proxyAuth?: ProxyAuthOptions | undefined;
  /**
   * Logs in to a proxy that accepts GSS-API, without any request, to find out what it grants: a `GssapiInitiator` of
   * `@sockskit/auth-gssapi`. Default: the one of `proxyAuth`, if any.
   */
  readonly gssapi?: ProxyGssapi | undefined;
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
 *   `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`, or no TLS with it; or when an option cannot be used:
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
    // Before anybody is asked anything.
    this.#logIn().methods();
  }

  async run(): Promise<ProbeReport> {
    const { family = "auto", signal } = this.#options;
    const negotiation = await this.#negotiate();
    const targets = await targetsOf(this.#target, this.#resolver, family, signal);
    const isSocks5 = negotiation.chosen !== undefined;
    // Who did not understand may be known by its words at once, and who said nothing waits for a language of its own.
    const other = isSocks5 || negotiation.isClosed ? undefined : await this.#recognise();
    const isOther = other !== undefined && other.protocol !== "unknown";
    const { socks4, socks4a, answers: answers4, heard } = isOther ? NOT_ASKED : await this.#socks4(targets);
    const answers5 = isSocks5 ? await this.#socks5(targets) : {};
    const authMethods = isSocks5 ? await this.#authMethods() : [];
    const gssapi = await this.#gssapi(authMethods);
    const isSocks = isSocks5 || socks4.verdict === "yes";
    const recognition = isSocks ? undefined : (other ?? (await this.#recognise()));
    const versions = { socks4, socks4a, socks5: negotiation.finding };
    const clues = { versions, authMethods, socks4: answers4, socks5: answers5, heard4: heard };
    const software = isSocks ? await this.#software({ ...clues, asked4: targets.ipv4?.octets }) : recognition?.software;
    const httpProxy = recognition?.protocol === "http" ? await this.#httpProxy(recognition, targets) : undefined;
    const first = [answers5.connectIpv4, answers5.connectName, answers4.connect].find(isReply);
    return {
      proxy: this.#url,
      address: formatAddress(this.#address),
      protocol: recognition?.protocol ?? "socks",
      ...(recognition?.firstLine !== undefined && { firstLine: recognition.firstLine }),
      ...(httpProxy !== undefined && { httpProxy }),
      ...(software !== undefined && { software }),
      versions: recognition === undefined ? versions : withoutSocks(versions, recognition),
      abilities: abilitiesOf(answers5),
      authMethods,
      ...(negotiation.chosen !== undefined &&
        negotiation.chosen !== METHOD.noAcceptableMethods && { preferredMethod: negotiation.chosen }),
      ...(gssapi !== undefined && { gssapi }),
      target: targets.text,
      socks4: answers4,
      socks5: answers5,
      latency: {
        connectMs: this.#connectMs,
        ...(isSocks5 && { negotiateMs: negotiation.elapsedMs }),
        ...(first !== undefined && { requestMs: first.elapsedMs }),
      },
    };
  }

  /** The first question: every method at once. It tells whether SOCKS 5 is spoken, and what the proxy prefers. */
  async #negotiate(): Promise<Negotiation> {
    const openedAt = performance.now();
    return this.#ask(async (conversation) => {
      const greetedAt = performance.now();
      this.#connectMs = greetedAt - openedAt;
      const answer = await askMethods(conversation, METHODS);
      const chosen = typeof answer === "number" ? answer : undefined;
      return {
        chosen,
        finding: findSocks5(answer),
        isClosed: answer === "closed",
        elapsedMs: performance.now() - greetedAt,
      };
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

  async #gssapi(authMethods: readonly ProbeMethod[]): Promise<ProbeGssapi | undefined> {
    const { proxyAuth, gssapi = proxyAuth?.gssapi ?? proxyAuth?.gssapiForUrls } = this.#options;
    const isOffered = authMethods.some(({ method, accepted }) => method === METHOD.gssapi && accepted === true);
    if (gssapi === undefined || !isOffered) return undefined;
    const startedAt = performance.now();
    try {
      return await this.#ask((conversation) => askGssapi(conversation, gssapi, this.#proxy));
    } catch (error) {
      const { message } = error as Error;
      return { outcome: "failed", code: lostCode(error), message, elapsedMs: performance.now() - startedAt };
    }
  }

  async #socks4(targets: Targets): Promise<Socks4Findings> {
    const startedAt = performance.now();
    try {
      return await new Socks4Probe((question) => this.#ask(question), this.#proxy.username, this.#timeoutMs).run(
        targets,
      );
    } catch (error) {
      const code = lostCode(error);
      const lost: ProbeFinding = { verdict: "unknown", reason: `it cannot be asked (${code})` };
      const connect: ProbeAnswer = { outcome: "failed", code, elapsedMs: performance.now() - startedAt };
      return { socks4: lost, socks4a: lost, answers: { connect }, heard: new Uint8Array(0) };
    }
  }

  async #socks5({ ipv4, ipv6, name }: Targets): Promise<ProbeReport["socks5"]> {
    const answers: { -readonly [Key in keyof ProbeReport["socks5"]]: ProbeAnswer } = {};
    const questions = [
      ["connectIpv4", "connect", ipv4],
      ["connectName", "connect", name],
      ["connectIpv6", "connect", ipv6],
      ["bind", "bind", ipv4],
      ["udpAssociate", "udp-associate", ipv4Address(new Uint8Array(4), 0)],
      ["resolve", "resolve", domainAddress(name?.host ?? "localhost", 0)],
    ] as const;
    for (const [key, command, destination] of questions) {
      if (destination === undefined) continue;
      const answer = await this.#request(command, destination);
      answers[key] = answer;
      // Not let in: it would be the same again, and might lock the user out.
      if (answer.outcome === "failed") break;
    }
    return answers;
  }

  #logIn(command?: HandshakeCommand): LogIn {
    const { gssapi, proxyAuth } = this.#options;
    const options = { gssapiForUrls: gssapi, ...proxyAuth };
    return new LogIn(this.#proxy, options, command === "udp-associate");
  }

  async #request(command: HandshakeCommand, destination: Address): Promise<ProbeAnswer> {
    const startedAt = performance.now();
    const logIn = this.#logIn(command);
    try {
      const request = { version: 5, command, destination, authMethods: logIn.methods() } as const;
      const machine = new ClientHandshake({ ...request, lenientVersion: true });
      return await this.#ask((conversation) => askRequest(conversation, machine, logIn));
    } catch (error) {
      return { outcome: "failed", code: lostCode(error), elapsedMs: performance.now() - startedAt };
    } finally {
      logIn.end();
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

  async #software(clues: Clues): Promise<string | undefined> {
    const guess = guessSoftware(clues);
    if (guess !== undefined || !mayBeTor(clues)) return guess;
    const host = formatHost(this.#proxy.address);
    const answer = await this.#ask((conversation) => askHttp(conversation, host)).catch(nobody);
    return isTorLine(answer?.firstLine) ? "Tor" : undefined;
  }

  async #recognise(): Promise<Recognition> {
    const heard = recogniseOctets(this.#heard);
    if (heard.protocol !== "unknown") return heard;
    const host = formatHost(this.#proxy.address);
    const [http, tls] = await Promise.all([
      this.#ask((conversation) => askHttp(conversation, host)).catch(nobody),
      this.#ask((conversation) => askTls(conversation)).catch(nobody),
    ]);
    return [http, tls].find((one) => one !== undefined && one.protocol !== "unknown") ?? heard;
  }

  #httpProxy({ firstLine }: Recognition, { name, ipv4, ipv6 }: Targets): Promise<ProbeFinding | undefined> {
    const target = name ?? ipv4 ?? ipv6;
    if (target === undefined) return Promise.resolve(undefined);
    return this.#ask((conversation) => askHttpProxy(conversation, target, statusOf(firstLine))).catch(nobody);
  }

  async #open(): Promise<Conversation> {
    const { family, signal, tls, proxyProtocol } = this.#options;
    const { socket, address } = await dialProxy({
      proxy: proxyProtocol === undefined ? this.#proxy : { proxy: this.#proxy, proxyProtocol },
      address: this.#address,
      tls,
      resolver: this.#resolver,
      family,
      signal,
      timeoutMs: this.#timeoutMs,
    });
    this.#address = address;
    return new Conversation(socket, this.#timeoutMs);
  }
}

const UNASKED: ProbeFinding = { verdict: "unknown", reason: "it was not asked" };
const NOT_ASKED: Socks4Findings = { socks4: UNASKED, socks4a: UNASKED, answers: {}, heard: new Uint8Array(0) };

/** What came of the first greeting. */
interface Negotiation {
  readonly chosen: number | undefined;
  readonly finding: ProbeFinding;
  readonly isClosed: boolean;
  readonly elapsedMs: number;
}

/** Who takes no further connection tells nothing more. */
function nobody(error: unknown): undefined {
  lostCode(error);
  return undefined;
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
  if (error instanceof HandshakeError || error instanceof AuthError) return error.code;
  if (isSocksError(error) && error.code !== "ERR_SOCKS_ABORTED") return error.code;
  throw error;
}

function aborted(url: string, signal: AbortSignal): SocksError {
  const hop = { index: 0, proxy: url };
  const message = `cancelled by the caller while asking proxy ${url}`;
  return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", hop, cause: signal.reason as unknown });
}

import { ClientHandshake, type HandshakeCommand, HandshakeError, HttpConnectHandshake } from "@sockskit/handshake";
import { credentialsOf, formatProxyUrl, MAX_PROXY_CHAIN_HOPS, type ProxyUrl } from "@sockskit/url";
import { type Address, formatAddress } from "@sockskit/wire";

import type { Peer } from "../address/peer.ts";
import type { AuthPlan } from "../auth/auth-plan.ts";
import type { HopReference } from "../errors.ts";
import type { ActiveStage } from "../internal/operation.ts";
import { badOption } from "../internal/require.ts";
import { localError } from "./hop-errors.ts";
import type { HopSettings } from "./route.ts";
import { nameToCheck } from "./tls-options.ts";

/** What is spoken to one proxy. */
export type HopHandshake = ClientHandshake | HttpConnectHandshake;

/** One proxy of a chain: what a proxy URL says. */
export type ProxyHop = ProxyUrl;

/** What a proxy has whose options are not known here, or that has none. */
const NO_SETTINGS: HopSettings = {};

/** One proxy on the way. It makes its texts when they are needed: formatting a URL costs more than a handshake. */
export class Hop implements Peer {
  readonly dialStage = "dial-proxy";
  readonly unreachable = "ERR_SOCKS_PROXY_UNREACHABLE";
  readonly proxy: ProxyHop;
  /** Its place in the chain. */
  readonly index: number;
  /** Its options, checked. */
  readonly settings: HopSettings;
  readonly #count: number;

  constructor(proxy: ProxyHop, index: number, count: number, settings: HopSettings = NO_SETTINGS) {
    this.proxy = proxy;
    this.index = index;
    this.settings = settings;
    this.#count = count;
  }

  /** The name that its certificate must have. */
  get serverName(): string {
    return nameToCheck(this.settings.tls, this.proxy.address.host);
  }

  /** Whether this side has a certificate for it. */
  get hasCertificate(): boolean {
    return this.settings.tls?.hasCertificate === true;
  }

  reference(): HopReference {
    return { index: this.index, proxy: formatProxyUrl(this.proxy) };
  }

  title(): string {
    const url = formatProxyUrl(this.proxy);
    return this.#count === 1 ? `proxy ${url}` : `proxy ${this.index + 1} of ${this.#count} (${url})`;
  }

  awaited(stage: ActiveStage): string {
    switch (stage) {
      case "resolve":
        return `the address of ${this.title()}`;
      case "dial-proxy":
        return `${this.title()} to accept the connection`;
      case "tls":
        return `${this.title()} to finish the TLS handshake`;
      case "negotiate":
        return `${this.title()} to choose an authentication method`;
      case "authenticate":
        return `${this.title()} to check the credentials`;
      case "request":
        return `${this.title()} to answer the request`;
    }
  }

  hint(stage: ActiveStage): string | undefined {
    // A server of another protocol may wait for more than a greeting has, and say nothing.
    if (stage === "tls") return "it may not speak TLS";
    if (stage !== "negotiate") return undefined;
    const hint = "it may be no SOCKS proxy";
    // A probe goes there directly, where a later proxy may be out of reach.
    return this.index > 0 ? hint : `${hint}: sockskit probe ${formatProxyUrl(this.proxy)} tells`;
  }

  /**
   * The handshake that asks for `command` and `destination`. Whatever cannot be said to this proxy is refused here, before anything
   * is dialled.
   */
  handshake(
    command: HandshakeCommand,
    destination: Address,
    { strict, auth }: { readonly strict: boolean; readonly auth: AuthPlan },
    earlyData: Uint8Array | undefined,
  ): HopHandshake {
    const { version, username } = this.proxy;
    const asked = { command, destination, strict, earlyData };
    try {
      if (version === undefined) return httpConnect(this.proxy, command, destination, earlyData);
      return version === 4
        ? new ClientHandshake({ ...asked, version, userId: username })
        : new ClientHandshake({ ...asked, version: 5, authMethods: auth.methodsFor(this.proxy) });
    } catch (cause) {
      throw localError(this, cause);
    }
  }
}

/** What a hop that resolves names on this side is asked for, while its name is being looked up. */
export class ResolvedHere {
  readonly #hop: Hop;
  readonly #destination: Address;

  constructor(hop: Hop, destination: Address) {
    this.#hop = hop;
    this.#destination = destination;
  }

  reference(): HopReference {
    return this.#hop.reference();
  }

  title(): string {
    const { scheme } = this.#hop.proxy;
    return `${formatAddress(this.#destination)} (which ${scheme} resolves on this side)`;
  }

  awaited(): string {
    return `the address of ${this.title()}`;
  }
}

/**
 * Checks a chain, before anything is begun.
 *
 * @param settings - Of each hop.
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function hopsOf(chain: readonly ProxyHop[], settings: readonly HopSettings[]): readonly Hop[] {
  const count = chain.length;
  if (count === 0) throw badOption("the chain has no proxy; expected at least one");
  if (count > MAX_PROXY_CHAIN_HOPS) {
    throw badOption(`the chain has ${count} proxies; expected at most ${MAX_PROXY_CHAIN_HOPS}`);
  }
  return chain.map((proxy, index) => {
    const hop = new Hop(proxy, index, count, settings[index]);
    if (proxy.direct !== undefined && count > 1) {
      throw badOption(`${hop.title()} lists networks to reach directly; that is possible for a single proxy only`);
    }
    return hop;
  });
}

/**
 * Checks that there is one proxy only, for what other proxies cannot carry.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function requireSingleHop(chain: readonly ProxyHop[], command: "BIND" | "UDP ASSOCIATE"): void {
  if (chain.length > 1) {
    throw badOption(
      `${command} goes through one proxy only, the chain has ${chain.length}; name the one that is to do it`,
    );
  }
  const [proxy] = chain;
  if (proxy?.direct !== undefined) {
    throw badOption(
      `${new Hop(proxy, 0, 1).title()} lists networks to reach directly; ${command} always goes through the proxy`,
    );
  }
}

function httpConnect(
  proxy: ProxyHop,
  command: HandshakeCommand,
  destination: Address,
  earlyData: Uint8Array | undefined,
): HttpConnectHandshake {
  if (earlyData !== undefined) {
    const message =
      "an HTTP proxy would take early data for another request; leave earlyData out, or use a SOCKS proxy";
    throw new HandshakeError("ERR_SOCKS_NOT_REPRESENTABLE", message, { side: "local", stage: "request" });
  }
  if (command !== "connect") {
    const what = command.toUpperCase().replaceAll("-", " ");
    const message = `an HTTP proxy knows CONNECT only, and no ${what}; use a SOCKS proxy`;
    throw new HandshakeError("ERR_SOCKS_NOT_REPRESENTABLE", message, { side: "local", stage: "request" });
  }
  return new HttpConnectHandshake({ destination, credentials: credentialsOf(proxy) });
}

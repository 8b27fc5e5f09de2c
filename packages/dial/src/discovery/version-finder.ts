import type { HandshakeCommand } from "@sockskit/handshake";
import { type ProxyScheme, withProxyScheme } from "@sockskit/url";
import { type Address, formatAddress, unmapAddress } from "@sockskit/wire";

import type { ProxyHop } from "../chain/hop.ts";
import type { VersionFailedStep } from "../chain/progress.ts";
import type { SocksError } from "../errors.ts";
import type { FoundVersion, Search } from "./discovery-memory.ts";
import type { DiscoverySettings, ProxyVersion } from "./discovery-options.ts";

/** Why a version was given up. */
export type FailureReason = VersionFailedStep["reason"];

/** What was tried without success. */
export interface FailedVersion {
  readonly version: ProxyVersion;
  readonly reason: FailureReason;
}

const SCHEMES: Readonly<Record<ProxyVersion, ProxyScheme>> = { "5": "socks5h", "4a": "socks4a", "4": "socks4" };

/** What a proxy is to do, as far as it rules versions out. */
export interface AskedOfProxy {
  /** What it is asked for: the next proxy, or the destination. */
  readonly next: Address;
  readonly command: HandshakeCommand;
  /** Whether it must authenticate the caller. */
  readonly requiresAuth: boolean;
}

/** The search for the version of one proxy of a chain: what is tried now, what is left, what has failed. */
export class VersionFinder {
  /** Its place in the chain. */
  readonly index: number;
  /** The proxy as it was given. */
  readonly proxy: ProxyHop;
  /** Under which it is remembered. */
  readonly key: string;
  /** Whether it is asked for a name. */
  readonly asksForName: boolean;
  /** What has failed in this call. */
  readonly failed: FailedVersion[] = [];
  /** Why versions are left out that this destination or these credentials rule out. */
  readonly excluded: string | undefined;
  /** Set while others wait for what this one finds. */
  search: Search | undefined;
  /** Whether it has answered in the version that is being tried. */
  hasAnswered = false;
  /** With what it refused every method: what to say when SOCKS 4 does not work either. */
  refusal: SocksError | undefined;
  /** The first octet that came on this connection. */
  firstOctet: number | undefined;
  readonly #usable: readonly ProxyVersion[];
  readonly #schemes = new Map<ProxyVersion, ProxyHop>();
  #left: ProxyVersion[];
  #remembered: FoundVersion | undefined;

  constructor(
    chain: readonly ProxyHop[],
    index: number,
    { next, command, requiresAuth }: AskedOfProxy,
    settings: DiscoverySettings,
  ) {
    this.index = index;
    this.proxy = chain[index] as ProxyHop;
    this.key = keyOf(chain, index);
    this.asksForName = next.type === "domain";
    const allowed = settings.versionsFor(this.proxy.hasPassword || requiresAuth);
    const only5 = command === "udp-associate" || command === "resolve-ptr" || unmapAddress(next).type === "ipv6";
    const usable = only5 ? allowed.filter((version) => version === "5") : allowed;
    // When nothing is left, the machine says best what cannot be said.
    this.#usable = usable.length > 0 ? usable : allowed;
    this.excluded = exclusion(this.proxy, requiresAuth, this.#usable, allowed);
    this.#left = [...this.#usable];
  }

  /** What is tried now. */
  get version(): ProxyVersion {
    return this.#left[0] as ProxyVersion;
  }

  /** Whether everything has failed. */
  get isExhausted(): boolean {
    return this.#left.length === 0;
  }

  /** What is tried when this fails. */
  get next(): ProxyVersion | undefined {
    return this.#left[1];
  }

  /** Whether what is tried now was remembered. */
  get isRemembered(): boolean {
    return this.#remembered !== undefined && this.failed.length === 0;
  }

  /** The proxy with the scheme of the version that is tried now. */
  hop(): ProxyHop {
    const { version } = this;
    let hop = this.#schemes.get(version);
    if (hop === undefined) {
      const scheme = SCHEMES[version];
      hop = withProxyScheme(this.proxy, this.proxy.tls ? (`${scheme}+tls` as ProxyScheme) : scheme);
      this.#schemes.set(version, hop);
    }
    return hop;
  }

  /** Begins with what is remembered. */
  recall(found: FoundVersion): void {
    const first = this.#usable.filter((version) => (version === "5") === (found.version === 5));
    if (first.length === 0) return;
    this.#remembered = found;
    // It refused names before, and may be asked with addresses.
    if (found.names === false && this.asksForName && first.includes("4")) first.splice(0, first.length, "4");
    this.#left = [...first, ...this.#usable.filter((version) => !first.includes(version))];
  }

  /**
   * What is known now that the proxy has answered.
   *
   * @param isGrant - Whether it did what it was asked for: with a name, that proves 4A; with an address whose name it
   *   refused before, that it knows addresses only.
   */
  found(isGrant: boolean): FoundVersion {
    if (this.version === "5") return { version: 5, names: true };
    const known = this.#remembered?.version === 4 ? this.#remembered.names : undefined;
    if (!isGrant || !this.asksForName) return { version: 4, names: known };
    if (this.version === "4a") return { version: 4, names: true };
    const isRefused = this.failed.some(({ reason }) => reason === "name-refused");
    return { version: 4, names: isRefused ? false : known };
  }

  /** Gives up the version that was tried, and others that the reason rules out. Whether one is left to try. */
  giveUp(reason: FailureReason): boolean {
    const { version } = this;
    this.failed.push({ version, reason });
    // A name may be what it could not bear, and then an address may do; otherwise 4A and 4 are the same octets.
    const sameOctets = version === "4a" && (!this.asksForName || reason === "other-version");
    this.#left = this.#left.filter((other) => other !== version && !(sameOctets && other === "4"));
    return this.#left.length > 0;
  }
}

/** Which proxy it is, by the way there; without names and passwords. */
function keyOf(chain: readonly ProxyHop[], index: number): string {
  const way = chain.slice(0, index + 1).map(({ tls, address }) => `${tls ? "tls " : ""}${formatAddress(address)}`);
  const { username, hasPassword } = chain[index] as ProxyHop;
  return `${way.join(" > ")} as ${hasPassword ? "password" : username === undefined ? "nobody" : "user"}`;
}

function exclusion(
  { hasPassword }: ProxyHop,
  requiresAuth: boolean,
  usable: readonly ProxyVersion[],
  allowed: readonly ProxyVersion[],
): string | undefined {
  if (usable.length < allowed.length) return "SOCKS 4 was not tried, it cannot carry what is asked for";
  if (usable.length > 1) return undefined;
  if (requiresAuth) return "SOCKS 4 was not tried, it has no authentication method";
  if (!hasPassword) return undefined;
  return "SOCKS 4 was not tried, it cannot carry the password; if it is to be left out, write socks4a:// instead";
}

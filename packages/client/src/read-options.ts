import { type ChainHop, type ProxyHopOptions, SocksError } from "@sockskit/dial";
import { parseProxyChain, parseProxyUrl, type ProxyUrl, ProxyUrlError } from "@sockskit/url";
import {
  type Address,
  formatAddress,
  type IpAddress,
  parseAddress,
  parseHostPort,
  parseIpAddress,
  WireError,
} from "@sockskit/wire";

/** Where to: `host:port` (IPv6 in brackets), host and port, or an address that was parsed before. */
export type Target = string | Address | HostPort;

/** A host and a port. */
export interface HostPort {
  /** A name or an IP literal; brackets round an IPv6 literal may be left out. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Who is expected: host, or host and port; only the host counts. */
export type Peer = string | Address | PeerHost;

/** A host that is expected to connect. */
export interface PeerHost {
  /** A name or an IP literal; brackets round an IPv6 literal may be left out. */
  readonly host: string;
  /** 0 to 65535; proxies do not compare it. Default 0. */
  readonly port?: number | undefined;
}

/** A proxy: its URL, what `parseProxyUrl` gave for it, or either with options. */
export type ProxyEntry = string | ProxyUrl | ProxyWithOptions;

/** A proxy and what its URL does not say. */
export interface ProxyWithOptions extends Omit<ProxyHopOptions, "proxy"> {
  /** The proxy. */
  readonly proxy: string | ProxyUrl;
}

/** The proxy, or the chain of them; one of the two. */
export interface ProxyChoice {
  /** The proxy to go through, for example `"socks5h://user:password@proxy.example:1080"`. */
  readonly proxy?: ProxyEntry | undefined;
  /**
   * Several proxies, each reached through those before it, nearest first: up to 16, as a list or as one text with spaces
   * between the URLs. SOCKS of all versions, HTTP and TLS may be mixed.
   */
  readonly chain?: string | readonly ProxyEntry[] | undefined;
}

/** Texts remembered at most, of each kind. */
const MAX_REMEMBERED_COUNT = 64;

/** Reads a text once: programs connect to few targets through few proxies, many times. */
class Remembered<T> {
  readonly #read: (text: string) => T;
  readonly #values = new Map<string, T>();

  constructor(read: (text: string) => T) {
    this.#read = read;
  }

  read(text: string): T {
    const known = this.#values.get(text);
    if (known !== undefined) return known;
    const value = local(() => this.#read(text));
    if (this.#values.size >= MAX_REMEMBERED_COUNT) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}

const proxyUrls = new Remembered((text) => parseProxyUrl(text));
const targets = new Remembered((text) => parseHostPort(text));

/**
 * The proxies as they will be used.
 *
 * @throws SocksError with the code of the url package, or `ERR_SOCKS_BAD_OPTION`.
 */
export function readChain({ proxy, chain }: ProxyChoice): readonly ChainHop[] {
  if (proxy !== undefined && chain === undefined) return [readEntry(proxy, "proxy")];
  if (chain !== undefined && proxy === undefined) {
    if (typeof chain === "string") return local(() => parseProxyChain(chain));
    if (!Array.isArray(chain))
      throw badOption(`chain is ${kindOf(chain)}; expected proxy URLs, as a list or as a text`);
    return (chain as readonly ProxyEntry[]).map((entry, index) => readEntry(entry, `chain[${index}]`));
  }
  const problem = proxy === undefined ? "neither proxy nor chain is given" : "both proxy and chain are given";
  throw badOption(`${problem}; expected one of them`);
}

function readEntry(entry: ProxyEntry, name: string): ChainHop {
  if (typeof entry !== "object" || entry === null || !("proxy" in entry)) return readProxy(entry, name);
  return { ...entry, proxy: readProxy(entry.proxy, `${name}.proxy`) };
}

/**
 * One proxy, from its URL unless it was parsed before.
 *
 * @param name - What the caller calls that option.
 * @throws SocksError with the code of the url package, or `ERR_SOCKS_BAD_OPTION`.
 */
export function readProxy(proxy: string | ProxyUrl, name = "proxy"): ProxyUrl {
  if (typeof proxy === "string") return proxyUrls.read(proxy);
  if (isParsedProxy(proxy)) return proxy;
  throw badOption(`${name} is ${kindOf(proxy)}; expected a proxy URL as a text, or what parseProxyUrl gave`);
}

function isParsedProxy(proxy: unknown): proxy is ProxyUrl {
  if (typeof proxy !== "object" || proxy === null) return false;
  const { scheme, address } = proxy as Partial<ProxyUrl>;
  return typeof scheme === "string" && typeof address === "object" && address !== null;
}

/**
 * Refuses a call without options.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function requireOptions(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw badOption(
    `the options are ${kindOf(options)}; expected an object, for example { proxy: "socks5h://host:1080" }`,
  );
}

/** What a value is, without a word of what it holds: that may be a password. */
function kindOf(value: unknown): string {
  if (value instanceof URL) return "a URL object (its href is the text)";
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
}

/**
 * The destination as an address, with a port that can be connected to.
 *
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_OPTION`.
 */
export function readDestination(target: Target): Address {
  const destination = readTarget(target);
  if (destination.port > 0) return destination;
  const message = `the target ${formatAddress(destination)} has port 0; expected 1 to 65535`;
  throw new SocksError("ERR_SOCKS_BAD_PORT", message, { side: "local" });
}

/**
 * Who is expected to connect, as an address whose port may be 0.
 *
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_OPTION`.
 */
export function readPeer(peer: Peer): Address {
  if (typeof peer === "string") return local(() => parseIpAddress(peer) ?? parseHostPort(peer, 0));
  if (typeof peer !== "object" || peer === null) {
    throw badOption(`peer is ${peer === null ? "null" : typeof peer}; expected "host" or "host:port"`);
  }
  return "type" in peer ? peer : local(() => parseAddress(peer.host, peer.port ?? 0));
}

/**
 * A host name or an IP literal, as an address with port 0.
 *
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_OPTION`.
 */
export function readHost(name: string): Address {
  if (typeof name !== "string") throw badOption(`name is ${kindOf(name)}; expected a host name`);
  return local(() => parseAddress(name, 0));
}

/**
 * An IP address.
 *
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_OPTION`.
 */
export function readIpAddress(address: string | IpAddress): IpAddress {
  if (typeof address !== "string") {
    if (typeof address === "object" && address !== null && (address.type === "ipv4" || address.type === "ipv6"))
      return address;
    throw badOption(`address is ${kindOf(address)}; expected an IP address`);
  }
  const parsed = parseIpAddress(address);
  if (parsed !== undefined) return parsed;
  throw new SocksError("ERR_SOCKS_BAD_ADDRESS", `${JSON.stringify(address)} is no IP address`, { side: "local" });
}

/**
 * Early data as octets.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function readEarlyData(earlyData: Uint8Array | string | undefined): Uint8Array | undefined {
  if (typeof earlyData === "string") return Buffer.from(earlyData);
  if (earlyData === undefined || earlyData instanceof Uint8Array) return earlyData;
  throw badOption(`earlyData is ${kindOf(earlyData)}; expected a text or octets`);
}

function readTarget(target: Target): Address {
  if (typeof target === "string") return targets.read(target);
  if (typeof target !== "object" || target === null) {
    throw badOption(`target is ${target === null ? "null" : typeof target}; expected "host:port"`);
  }
  return "type" in target ? target : local(() => parseAddress(target.host, target.port));
}

/** Turns what the packages below say about the caller's values into the one error class of this package. */
function local<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof WireError || cause instanceof ProxyUrlError)) throw cause;
    throw new SocksError(cause.code, cause.message, { side: "local", cause });
  }
}

function badOption(message: string): SocksError {
  return new SocksError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}

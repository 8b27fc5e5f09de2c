import { hash } from "node:crypto";
import type { ProxyHop } from "@sockskit/dial";
import type { NameHandling } from "@sockskit/policy";
import { formatProxyUrl, MAX_PROXY_CHAIN_HOPS, parseProxyUrl, ProxyUrlError } from "@sockskit/url";
import { type Address, formatAddress, type IpAddress, isUnspecified } from "@sockskit/wire";
import { badOption, type OptionPath } from "../errors.ts";
import type { ServerOptions, UpstreamChain, UpstreamOptions } from "../options.ts";

/** One way to an upstream: a chain of proxies. */
export interface Alternative {
  /** Its place in the order of preference, counted from 0. */
  readonly index: number;
  /** Nearest first. */
  readonly chain: readonly ProxyHop[];
  /** The URLs of `chain`, without passwords. */
  readonly proxies: readonly string[];
  /** The same for chains that say the same, credentials included, and telling none of it. */
  readonly key: string;
}

/** What `via` of a rule names. */
export interface Upstream {
  readonly name: string;
  /** In the order of preference; at least one. */
  readonly alternatives: readonly Alternative[];
  /** Who looks up the names of destinations. */
  readonly names: NameHandling;
  /** Whether the last proxy is shown what the client logged in with here. */
  readonly forwardsCredentials: boolean;
}

/** Upstreams by name. */
export type Upstreams = ReadonlyMap<string, Upstream>;

/** Alternatives of one upstream. */
export const MAX_ALTERNATIVES = 16;
/** Names of upstreams stand in logs and labels. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u;
const KEYS = ["alternatives", "forwardCredentials"];

/**
 * The upstreams that options describe.
 *
 * @param listeners Where the server listens: a way that leads there would never end.
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`; no message holds a password.
 */
export function upstreamPlans(upstreams: unknown, listeners: readonly IpAddress[]): Upstreams {
  const plans = new Map<string, Upstream>();
  if (upstreams === undefined) return plans;
  if (!isMap(upstreams)) throw badOption(["upstreams"], "expected an object of names and their alternatives");
  for (const [name, given] of Object.entries(upstreams)) {
    plans.set(name, upstreamPlan(name, given, listeners));
  }
  return plans;
}

/**
 * Who looks names up for each upstream, as `compilePolicy` wants to know it.
 *
 * @param listeners Where the server listens: a chain that leads there is refused.
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function upstreamNameHandling(
  upstreams: ServerOptions["upstreams"],
  listeners: readonly IpAddress[] = [],
): Readonly<Record<string, NameHandling>> {
  return nameHandling(upstreamPlans(upstreams, listeners));
}

/** How names are handled by each upstream, as the rules are told. */
export function nameHandling(upstreams: Upstreams): Readonly<Record<string, NameHandling>> {
  return Object.fromEntries([...upstreams].map(([name, { names }]) => [name, names]));
}

/** Whether anybody is shown what clients log in with. */
export function forwardsCredentials(upstreams: Upstreams): boolean {
  for (const upstream of upstreams.values()) if (upstream.forwardsCredentials) return true;
  return false;
}

/** The keys of all alternatives. */
export function chainKeys(upstreams: Upstreams): ReadonlySet<string> {
  return new Set([...upstreams.values()].flatMap(({ alternatives }) => alternatives.map(({ key }) => key)));
}

function upstreamPlan(name: string, given: unknown, listeners: readonly IpAddress[]): Upstream {
  const path = ["upstreams", name];
  if (!NAME.test(name)) {
    throw badOption(path, "expected a name of 1 to 64 letters, digits, dots, hyphens and underscores");
  }
  const isList = Array.isArray(given);
  if (!isList && !isMap(given)) throw badOption(path, "expected a list of alternatives, or an object with them");
  const options = (isList ? { alternatives: given } : given) as Partial<UpstreamOptions>;
  const stranger = Object.keys(options).find((key) => !KEYS.includes(key));
  if (stranger !== undefined) {
    throw badOption([...path, stranger], `there is no such option; expected one of ${KEYS.join(", ")}`);
  }
  const { alternatives, forwardCredentials = false } = options;
  if (typeof forwardCredentials !== "boolean") {
    throw badOption([...path, "forwardCredentials"], "expected true or false");
  }
  const place = isList ? path : [...path, "alternatives"];
  if (!Array.isArray(alternatives) || alternatives.length === 0 || alternatives.length > MAX_ALTERNATIVES) {
    throw badOption(place, `expected a list of 1 to ${MAX_ALTERNATIVES} alternatives, each a list of proxies`);
  }
  const plans = alternatives.map((chain: UpstreamChain, index) =>
    alternativePlan(chain, index, [...place, index], listeners),
  );
  return { name, alternatives: plans, names: namesOf(plans), forwardsCredentials: forwardCredentials };
}

/** All alternatives get the same: names only where each of them takes names. */
function namesOf(alternatives: readonly Alternative[]): NameHandling {
  return alternatives.some(({ chain }) => chain.at(-1)?.resolve === "local") ? "local" : "remote";
}

function alternativePlan(
  given: unknown,
  index: number,
  path: OptionPath,
  listeners: readonly IpAddress[],
): Alternative {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_PROXY_CHAIN_HOPS) {
    throw badOption(path, `expected a chain: a list of 1 to ${MAX_PROXY_CHAIN_HOPS} proxy URLs, nearest first`);
  }
  const chain = given.map((hop: unknown, at) => hopOf(hop, [...path, at], listeners));
  const whole = chain.map((hop) => formatProxyUrl(hop, { showSecrets: true })).join(" ");
  return { index, chain, proxies: chain.map((hop) => formatProxyUrl(hop)), key: hash("sha256", whole, "base64") };
}

function hopOf(given: unknown, path: OptionPath, listeners: readonly IpAddress[]): ProxyHop {
  const hop = typeof given === "string" ? readUrl(given, path) : given;
  if (!isMap(hop) || typeof hop["scheme"] !== "string") throw badOption(path, "expected the URL of a proxy");
  const proxy = hop as unknown as ProxyHop;
  if (proxy.tls) throw badOption(path, "TLS to a proxy is not supported yet; expected a scheme without it");
  if (proxy.version === "auto") {
    // It may turn out to take no names; then they would be looked up here, and no rule asked about the address.
    throw badOption(path, "expected a scheme that says the version, such as socks5h; sockskit probe finds it out");
  }
  if (proxy.direct !== undefined) {
    throw badOption(path, "networks to reach directly are a matter of the rules; expected a URL without them");
  }
  const own = listeners.find((listener) => isSamePlace(listener, proxy.address));
  if (own !== undefined) {
    throw badOption(path, `${formatAddress(own)} is a listener of this server; its sessions would never end`);
  }
  return proxy;
}

function readUrl(text: string, path: OptionPath): ProxyHop {
  try {
    return parseProxyUrl(text);
  } catch (error) {
    if (error instanceof ProxyUrlError) throw badOption(path, error.message);
    throw error;
  }
}

/** What the system itself would say is told when it is dialled; this is for the mistake that a file shows already. */
function isSamePlace(listener: IpAddress, address: Address): boolean {
  if (listener.port === 0 || listener.port !== address.port) return false;
  if (listener.host === address.host) return true;
  const isHere = address.host === "localhost" || address.host === "::1" || address.host.startsWith("127.");
  return isUnspecified(listener) && (isHere || isUnspecified(address));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

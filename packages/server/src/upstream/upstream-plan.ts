import type { ProxyHop } from "@sockskit/dial";
import type { NameHandling } from "@sockskit/policy";
import { formatProxyUrl, MAX_PROXY_CHAIN_HOPS } from "@sockskit/url";
import type { IpAddress } from "@sockskit/wire";
import { badOption, isMap, type OptionPath, requireKeys } from "../errors.ts";
import type { ServerOptions, UpstreamChain, UpstreamOptions } from "../options.ts";
import { type HopPlan, hopPlan } from "./hop-plan.ts";

/** One way to an upstream: a chain of proxies. */
export interface Alternative {
  /** Its place in the order of preference, counted from 0. */
  readonly index: number;
  /** Nearest first. */
  readonly chain: readonly ProxyHop[];
  /** The same with what else is said of them. */
  readonly hops: readonly HopPlan[];
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
  requireKeys(options, KEYS, path);
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
  const hops = given.map((hop: unknown, at) => hopPlan(hop, [...path, at], listeners));
  const chain = hops.map(({ proxy }) => proxy);
  const key = hops.map((hop) => hop.key).join(" ");
  return { index, chain, hops, proxies: chain.map((hop) => formatProxyUrl(hop)), key };
}

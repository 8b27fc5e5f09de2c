import type { ClientHandshake } from "@sockskit/handshake";
import { isReachedDirectly, MAX_PROXY_CHAIN_HOPS } from "@sockskit/url";
import { type Address, formatAddress, type IpAddress, withPort } from "@sockskit/wire";

import { resolveHost } from "../address/connect-address.ts";
import type { OutgoingSettings } from "../address/socket-options.ts";
import type { Operation } from "../internal/operation.ts";
import { badOption } from "../internal/require.ts";
import { Hop, type ProxyHop } from "./hop.ts";
import type { Observer } from "./observer.ts";

/** One handshake of the way. */
export interface RouteStep {
  readonly hop: Hop;
  /** What the hop is asked for: the next proxy, or the destination. */
  readonly destination: Address;
  readonly machine: ClientHandshake;
}

/** The way to a destination: the handshakes in their order, or one address to dial without any. */
export type Route = { readonly steps: readonly RouteStep[] } | { readonly direct: IpAddress };

/**
 * Checks the chain itself, before anything is begun.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_TLS_NOT_SUPPORTED`.
 */
export function requireChain(chain: readonly ProxyHop[]): readonly Hop[] {
  if (chain.length === 0) throw badOption("the chain has no proxy; expected at least one");
  if (chain.length > MAX_PROXY_CHAIN_HOPS) {
    throw badOption(`the chain has ${chain.length} proxies; expected at most ${MAX_PROXY_CHAIN_HOPS}`);
  }
  const hops = chain.map((proxy, index) => new Hop(proxy, index, chain.length));
  for (const hop of hops) {
    hop.requireSupported();
    if (hop.proxy.direct !== undefined && chain.length > 1) {
      throw badOption(`${hop.title()} lists networks to reach directly; that is possible for a single proxy only`);
    }
  }
  return hops;
}

/**
 * Plans the way: who is asked for what, and who resolves names. Whatever a hop cannot carry fails here, before a
 * connection is opened.
 */
export async function planRoute(
  operation: Operation,
  hops: readonly Hop[],
  target: Address,
  settings: OutgoingSettings,
  strict: boolean,
  observer: Observer,
): Promise<Route> {
  const steps: RouteStep[] = [];
  for (const hop of hops) {
    const next = hops[hop.index + 1]?.proxy.address ?? target;
    const destination =
      next.type === "domain" && hop.proxy.resolve === "local"
        ? await resolveForHop(operation, hop, next, settings, observer)
        : next;
    if (destination.type !== "domain" && isReachedDirectly(hop.proxy, destination)) {
      observer.progress?.(hop, { step: "direct", address: destination, networks: hop.proxy.direct ?? [] });
      return { direct: destination };
    }
    steps.push({ hop, destination, machine: hop.handshake(destination, strict) });
  }
  return { steps };
}

/**
 * The address that goes to a proxy in place of a name. IPv4 is preferred: nothing says whether the proxy has IPv6, and
 * there is one request only.
 */
async function resolveForHop(
  operation: Operation,
  hop: Hop,
  next: Address,
  { resolver, family }: OutgoingSettings,
  observer: Observer,
): Promise<IpAddress> {
  const name = next.host;
  const wanted = hop.proxy.version === 4 ? 4 : family;
  const title = (): string => `${formatAddress(next)}, which the scheme ${hop.proxy.scheme} resolves on this side,`;
  const addresses = await resolveHost(operation, name, wanted, resolver, { hop: hop.reference, title });
  observer.progress?.(hop, { step: "resolved", name, addresses });
  const chosen = addresses.find((address) => address.type === "ipv4") ?? addresses[0];
  return withPort(chosen as IpAddress, next.port);
}

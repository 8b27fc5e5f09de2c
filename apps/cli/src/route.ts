import type { Socket } from "node:net";

import { type ProxyHop, dialAddress, dialThrough } from "@sockskit/dial";
import { formatProxyUrl, parseProxyChain, proxyFromEnvironment } from "@sockskit/url";
import { type Address, formatAddress } from "@sockskit/wire";

import { CliError } from "./cli-error.ts";
import { type RouteOptions, familyOf } from "./options.ts";
import { connectionsOf } from "./proxy-connection.ts";
import type { Reporter } from "./reporter.ts";
import { observe } from "./trace.ts";

/** How to get to a destination: through proxies, or past them because the user's own list says so. */
export type Route =
  | { readonly chain: readonly ProxyHop[]; readonly source: string }
  | { readonly direct: true; readonly source: string };

/** An open connection to a destination. */
export interface Tunnel {
  /** Connected; what the destination said already is the first that is read. No listener is attached. */
  readonly socket: Socket;
  /** The proxies on the way, without passwords; none when the destination was reached directly. */
  readonly proxies: readonly string[];
  /** Milliseconds that it took. */
  readonly elapsedMs: number;
}

/**
 * Decides the way: `-x`, or else the environment. There is no direct way but the one that `no_proxy` lists.
 *
 * @param scheme - Scheme of the destination's URL, where there is one.
 * @throws ProxyUrlError about the values of `-x` and of variables; CliError `ERR_SOCKS_NO_PROXY`.
 */
export function chooseRoute(options: RouteOptions, target: Address, scheme?: string): Route {
  if (options.proxy.length > 0) return { chain: parseProxyChain(options.proxy.join(" ")), source: "-x" };
  const choice = proxyFromEnvironment({ environment: process.env, target, scheme });
  if (choice?.direct === true) return { direct: true, source: choice.reason };
  if (choice !== undefined) return { chain: [choice.proxy], source: choice.variable };
  const variables = scheme === undefined ? "all_proxy" : `${scheme}_proxy, all_proxy`;
  throw new CliError(
    "ERR_SOCKS_NO_PROXY",
    `no proxy given: use -x socks5h://host:port, or set ${variables} or SOCKS_SERVER`,
  );
}

/**
 * The proxy for what only a proxy can do.
 *
 * @param what - What that is, for the message.
 * @throws ProxyUrlError; CliError `ERR_SOCKS_NO_PROXY`, also when the environment lists the target as direct.
 */
export function chooseProxy(options: RouteOptions, target: Address, what: string): readonly ProxyHop[] {
  const route = chooseRoute(options, target);
  if (!("direct" in route)) return route.chain;
  const message = `${what} is possible at a proxy only, but ${formatAddress(target)} is reached without one: ${route.source}; use -x`;
  throw new CliError("ERR_SOCKS_NO_PROXY", message);
}

/** Says on standard error what a proxy's URL is warned about. */
export function warn(chain: readonly ProxyHop[], reporter: Reporter): void {
  for (const warning of chain.flatMap((proxy) => proxy.warnings ?? [])) {
    reporter.note(`sockskit: ${warning}`, { type: "warning", message: warning });
  }
}

/** What {@link openTunnel} needs besides the way. */
export interface TunnelContext {
  /** The command line. */
  readonly options: RouteOptions;
  /** Gets the steps with `-v`. */
  readonly reporter: Reporter;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/**
 * Opens the connection.
 *
 * @throws SocksError
 */
export async function openTunnel(route: Route, destination: Address, context: TunnelContext): Promise<Tunnel> {
  const { options, reporter, signal } = context;
  const start = performance.now();
  const outgoing = { destination, family: familyOf(options), signal };
  const elapsed = (): number => performance.now() - start;
  if ("direct" in route) {
    const data = { type: "bypass", reason: route.source, destination: formatAddress(destination) };
    reporter.step(0, `going to ${data.destination} without a proxy: ${route.source}`, data);
    const { socket } = await dialAddress({ ...outgoing, connectTimeoutMs: options.timeout });
    return { socket, proxies: [], elapsedMs: elapsed() };
  }
  warn(route.chain, reporter);
  const watching = observe(reporter);
  const { socket, hops } = await dialThrough({
    ...outgoing,
    ...watching,
    ...connectionsOf(options, route.chain, reporter),
    timeoutMs: options.timeout,
  });
  return { socket, proxies: hops.map((hop) => formatProxyUrl(hop)), elapsedMs: elapsed() };
}

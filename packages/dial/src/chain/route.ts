import type { ProxyUrl } from "@sockskit/url";

import { badOption } from "../internal/require.ts";
import { type ProxyProtocolOptions, requireProxyProtocol } from "./proxy-header.ts";
import { type ProxyTlsOptions, type TlsSettings, tlsSettings } from "./tls-options.ts";

/** How one proxy of a chain is reached, besides what its URL says. */
export interface ProxyHopOptions {
  /** The proxy. */
  readonly proxy: ProxyUrl;
  /** TLS with it; its scheme must have TLS. Default: the option `tls` of the call. */
  readonly tls?: ProxyTlsOptions | undefined;
  /** Sends it a header of the PROXY protocol first. Default: none. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
}

/** One proxy of a chain: its URL alone, or with options. */
export type ChainHop = ProxyUrl | ProxyHopOptions;

/** A chain as callers give it. */
export interface RouteOptions {
  /** The proxies, nearest first: 1 to 16. Each is reached through those before it. */
  readonly chain: readonly ChainHop[];
  /** TLS with every proxy whose scheme has it. Default: the certificate must be of an authority that Node trusts. */
  readonly tls?: ProxyTlsOptions | undefined;
}

/** {@link ProxyHopOptions}, checked. */
export interface HopSettings {
  /** Absent where the scheme has no TLS. */
  readonly tls?: TlsSettings;
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/** {@link RouteOptions}, checked: the proxies, and the settings of each. */
export interface Route {
  readonly chain: readonly ProxyUrl[];
  readonly hopSettings: readonly HopSettings[];
}

const PLAIN: HopSettings = {};

/**
 * Parts the URLs from the options.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function routeOf({ chain, tls }: RouteOptions): Route {
  const hopSettings = chain.map((entry, index) => settingsOf(entry, index, tls));
  return { chain: chain.map((entry) => ("proxy" in entry ? entry.proxy : entry)), hopSettings };
}

function settingsOf(entry: ChainHop, index: number, common: ProxyTlsOptions | undefined): HopSettings {
  const { proxy, tls, proxyProtocol }: ProxyHopOptions = "proxy" in entry ? entry : { proxy: entry };
  if (tls !== undefined && !proxy.tls) {
    throw badOption(`chain[${index}].tls is given, but ${proxy.scheme}:// has no TLS`);
  }
  if (!proxy.tls && proxyProtocol === undefined) return PLAIN;
  const tlsName = tls === undefined ? "tls" : `chain[${index}].tls`;
  return {
    ...(proxy.tls && { tls: tlsSettings(tls ?? common, tlsName) }),
    ...(proxyProtocol !== undefined && {
      proxyProtocol: requireProxyProtocol(proxyProtocol, `chain[${index}].proxyProtocol`),
    }),
  };
}

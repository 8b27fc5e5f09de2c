import { type LookUpThroughOptions, resolvePtrThrough, resolveThrough } from "@sockskit/dial";
import type { IpAddress } from "@sockskit/wire";

import { type GssapiChoice, withGssapi } from "./gssapi.ts";
import { type ProxyChoice, readChain, readHost, readIpAddress, requireOptions } from "./read-options.ts";

/** What {@link resolve} looks up, by which proxy. */
export interface ResolveOptions extends ProxyChoice, GssapiChoice, Omit<LookUpThroughOptions, "chain" | "check"> {
  /** The name, without a port: `"example.com"`. */
  readonly name: string;
}

/** What {@link resolvePtr} looks up, by which proxy. */
export interface ResolvePtrOptions extends ProxyChoice, GssapiChoice, Omit<LookUpThroughOptions, "chain" | "check"> {
  /** The address, as a text or as {@link resolve} gave it. */
  readonly address: string | IpAddress;
}

/**
 * Has the proxy look up the address of a name (RESOLVE). That is an extension of Tor, which few other proxies have; the
 * name is never looked up on this side, whatever the proxy's scheme. In a chain the last proxy answers.
 *
 * @returns One address with port 0, as IPv4 or IPv6: the protocol has room for one, and the proxy chooses.
 * @throws SocksError always, whatever goes wrong; see its `code`, `stage` and `hop`. Only an exception of `onProgress` or
 *   `onOctets` is passed on as it is.
 * @example
 * ```ts
 * const address = await resolve({ proxy: "socks5h://127.0.0.1:9050", name: "example.com" });
 * console.log(address.host);
 * ```
 */
export async function resolve(options: ResolveOptions): Promise<IpAddress> {
  requireOptions(options);
  const { proxy, chain, name, ...rest } = await withGssapi(options);
  return resolveThrough({ ...rest, chain: readChain({ proxy, chain }), name: readHost(name) });
}

/**
 * Has the proxy look up the name of an address (RESOLVE_PTR), an extension of Tor for SOCKS 5. Whoever owns the address
 * decides on its name: it is no proof of anything.
 *
 * @throws SocksError always, whatever goes wrong; see its `code`, `stage` and `hop`. Only an exception of `onProgress` or
 *   `onOctets` is passed on as it is.
 * @example
 * ```ts
 * console.log(await resolvePtr({ proxy: "socks5h://127.0.0.1:9050", address: "192.0.2.10" }));
 * ```
 */
export async function resolvePtr(options: ResolvePtrOptions): Promise<string> {
  requireOptions(options);
  const { proxy, chain, address, ...rest } = await withGssapi(options);
  return resolvePtrThrough({ ...rest, chain: readChain({ proxy, chain }), address: readIpAddress(address) });
}

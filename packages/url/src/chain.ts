import { readProxyUrl } from "./parse.ts";
import type { ProxyUrl } from "./proxy-url.ts";
import type { ProxyUrlOptions } from "./schemes.ts";
import { type TextSource, checkLength, mistake } from "./text-source.ts";

/** Longest chain that is read, in UTF-16 units. */
export const MAX_PROXY_CHAIN_LENGTH = 65_536;

/** Most proxies in one chain. */
export const MAX_PROXY_CHAIN_HOPS = 16;

const CODE = "ERR_SOCKS_BAD_PROXY_URL";

/**
 * Reads a chain: proxy URLs separated by white space, the first hop first; each is reached through those before it.
 * Every entry must be a proxy URL. Directly connected networks (Tectia form) make sense for one proxy only and are
 * refused in longer chains.
 *
 * @throws ProxyUrlError as {@link parseProxyUrl} does; positions count in the whole text.
 * @example
 * ```ts
 * parseProxyChain("socks4://10.0.0.1 socks5h://alice:secret@10.0.0.2").length; // 2
 * ```
 */
export function parseProxyChain(text: string, options: ProxyUrlOptions = {}): readonly ProxyUrl[] {
  const source: TextSource = { text };
  checkLength(source, CODE, MAX_PROXY_CHAIN_LENGTH);
  const chain: ProxyUrl[] = [];
  for (const match of text.matchAll(/\S+/g)) {
    const entry = { text: match[0], start: match.index };
    if (chain.length === MAX_PROXY_CHAIN_HOPS) {
      throw mistake(source, CODE, `a chain has at most ${MAX_PROXY_CHAIN_HOPS} proxies`, entry.start);
    }
    chain.push(readProxyUrl(source, entry, options));
  }
  if (chain.length === 0) throw mistake(source, CODE, 'there is no proxy; expected for example "socks5h://host:port"');
  if (chain.length > 1 && chain.some(({ direct }) => direct !== undefined)) {
    throw mistake(source, CODE, "networks to reach directly can be given with a single proxy only, not in a chain");
  }
  return Object.freeze(chain);
}

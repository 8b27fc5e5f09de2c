import { type Address, type Network, formatNetwork, networkContains } from "@sockskit/wire";

import { readNetwork } from "./host-port.ts";
import type { ProxyUrl } from "./proxy-url.ts";
import type { ProxySchemeMeaning } from "./schemes.ts";
import { type Slice, type TextSource, mistake } from "./text-source.ts";

const CODE = "ERR_SOCKS_BAD_PROXY_URL";

/**
 * Reads the path of a proxy URL: nothing, `/`, or the networks of the Tectia form, `/ip/mask,ip/mask...`, where a mask is
 * a prefix length or, for IPv4, a contiguous dotted mask. Host bits below the mask are cleared.
 */
export function readDirectNetworks(source: TextSource, path: Slice, meaning: ProxySchemeMeaning): readonly Network[] {
  if (path.text === "" || path.text === "/") return [];
  if (!path.text.startsWith("/")) throw mistake(source, CODE, "a proxy URL has no fragment", path.start);
  if (meaning.tls || meaning.protocol === "http")
    throw mistake(source, CODE, `nothing may follow the host of a ${meaning.scheme} URL`, path.start);
  const networks: Network[] = [];
  let start = path.start + 1;
  for (const item of path.text.slice(1).split(",")) {
    // "/" and "," already have their meaning here: an IPv6 address needs its brackets, an address its mask.
    const network = item.includes("/") && item.startsWith("[") === item.includes(":") ? readNetwork(item) : undefined;
    if (network === undefined) {
      const problem = 'what follows the host must be networks to reach directly, like "/10.0.0.0/8,[2001:db8::]/32"';
      throw mistake(source, CODE, problem, start);
    }
    networks.push(network);
    start += item.length + 1;
  }
  return networks;
}

/**
 * Whether a proxy's own URL says that an address is reached without it (Tectia form). A name never is: where this side
 * resolves names, ask again with the address.
 */
export function isReachedDirectly(proxy: ProxyUrl, target: Address): boolean {
  return target.type !== "domain" && (proxy.direct ?? []).some((network) => networkContains(network, target));
}

/** One network as it stands in a URL: an IPv6 address gets its brackets. */
export function formatDirectNetwork(network: Network): string {
  const text = formatNetwork(network);
  return network.type === "ipv6" ? `[${text.replace("/", "]/")}` : text;
}

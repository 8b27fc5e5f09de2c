import { hash } from "node:crypto";
import { checkChain, isSocksError, type ChainHop, type ProxyHop, type ProxyTlsOptions } from "@sockskit/dial";
import { formatProxyUrl, parseProxyUrl, ProxyUrlError } from "@sockskit/url";
import { type Address, formatAddress, type IpAddress, isUnspecified } from "@sockskit/wire";
import { badOption, isMap, type OptionPath, requireKeys } from "../errors.ts";

/** One proxy of a chain, checked. */
export interface HopPlan {
  readonly proxy: ProxyHop;
  readonly tls: ProxyTlsOptions | undefined;
  /** Version of the PROXY header that names the client. */
  readonly proxyProtocol: 1 | 2 | undefined;
  /** The same for proxies of which the same is said, secrets included, and telling none of it. */
  readonly key: string;
}

const HOP_KEYS: readonly string[] = ["proxy", "tls", "proxyProtocol"];
const TLS_KEYS: readonly string[] = ["ca", "cert", "key", "passphrase", "servername", "rejectUnauthorized"];
const PROXY_VERSIONS: ReadonlyMap<unknown, 1 | 2 | undefined> = new Map([
  [undefined, undefined],
  ["off", undefined],
  ["v1", 1],
  ["v2", 2],
]);

/**
 * Checks one proxy of a chain.
 *
 * @param listeners Where the server listens: a way that leads there would never end.
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`; no message holds a password.
 */
export function hopPlan(given: unknown, path: OptionPath, listeners: readonly IpAddress[]): HopPlan {
  const hop = isMap(given) && given["proxy"] !== undefined ? given : { proxy: given };
  requireKeys(hop, HOP_KEYS, path);
  const { tls, proxyProtocol } = hop as { tls?: ProxyTlsOptions; proxyProtocol?: unknown };
  const proxy = proxyOf(hop["proxy"], path, listeners);
  if (tls !== undefined) requireKeys(tls, TLS_KEYS, [...path, "tls"]);
  if (!PROXY_VERSIONS.has(proxyProtocol)) throw badOption([...path, "proxyProtocol"], 'expected "off", "v1" or "v2"');
  const version = PROXY_VERSIONS.get(proxyProtocol);
  try {
    checkChain({ chain: [{ proxy, tls }] });
    const says = JSON.stringify([formatProxyUrl(proxy, { showSecrets: true }), tls, version]);
    return { proxy, tls, proxyProtocol: version, key: hash("sha256", says, "base64") };
  } catch (error) {
    if (isSocksError(error) || error instanceof ProxyUrlError) throw badOption(path, error.message);
    throw error;
  }
}

/** The proxy as it is dialled for a client, or with other credentials. */
export function chainHop({ tls, proxyProtocol: version }: HopPlan, proxy: ProxyHop, client: IpAddress): ChainHop {
  if (tls === undefined && version === undefined) return proxy;
  return { proxy, tls, ...(version === undefined ? {} : { proxyProtocol: { version, source: client } }) };
}

function proxyOf(given: unknown, path: OptionPath, listeners: readonly IpAddress[]): ProxyHop {
  const url = typeof given === "string" ? readUrl(given, path) : given;
  if (!isMap(url) || typeof url["scheme"] !== "string") throw badOption(path, "expected the URL of a proxy");
  const proxy = url as unknown as ProxyHop;
  if (proxy.version === "auto") {
    // It may turn out to take no names; then they would be looked up here, and no rule asked about the address.
    throw badOption(path, "expected a scheme that says the version, such as socks5h; sockskit probe finds it out");
  }
  if (proxy.direct !== undefined) {
    throw badOption(path, "networks to reach directly are a matter of the rules; expected a URL without them");
  }
  if (proxy.gssapi !== undefined) {
    throw badOption(path, "upstreams are not logged in to with GSS-API; expected a URL without options of it");
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

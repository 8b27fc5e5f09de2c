/** The schemes of proxy URLs, in lower case. */
export type ProxyScheme =
  | "socks"
  | "socks4"
  | "socks4a"
  | "socks5"
  | "socks5h"
  | "socks+tls"
  | "socks4+tls"
  | "socks4a+tls"
  | "socks5+tls"
  | "socks5h+tls"
  | "socks5s"
  | "auto"
  | "auto+tls"
  | "http"
  | "https";

/** Who turns the target's name into an address: this side (`"local"`) or the proxy (`"remote"`). */
export type ProxyResolution = "local" | "remote";

/** What one scheme means. */
export interface ProxySchemeMeaning {
  /** The scheme, without `://`. */
  readonly scheme: ProxyScheme;
  /** What is spoken to the proxy; `http` is its method CONNECT. */
  readonly protocol: "socks" | "http";
  /** SOCKS version spoken to the proxy; `"auto"`: whoever connects finds it out. Absent with `http`. */
  readonly version?: 4 | 5 | "auto";
  /** Who resolves the target's name. */
  readonly resolve: ProxyResolution;
  /** Whether the connection to the proxy is TLS. */
  readonly tls: boolean;
}

const MEANINGS: Readonly<Record<ProxyScheme, ProxySchemeMeaning>> = {
  socks: { scheme: "socks", protocol: "socks", version: 5, resolve: "remote", tls: false },
  socks4: { scheme: "socks4", protocol: "socks", version: 4, resolve: "local", tls: false },
  socks4a: { scheme: "socks4a", protocol: "socks", version: 4, resolve: "remote", tls: false },
  socks5: { scheme: "socks5", protocol: "socks", version: 5, resolve: "local", tls: false },
  socks5h: { scheme: "socks5h", protocol: "socks", version: 5, resolve: "remote", tls: false },
  "socks+tls": { scheme: "socks+tls", protocol: "socks", version: 5, resolve: "remote", tls: true },
  "socks4+tls": { scheme: "socks4+tls", protocol: "socks", version: 4, resolve: "local", tls: true },
  "socks4a+tls": { scheme: "socks4a+tls", protocol: "socks", version: 4, resolve: "remote", tls: true },
  "socks5+tls": { scheme: "socks5+tls", protocol: "socks", version: 5, resolve: "local", tls: true },
  "socks5h+tls": { scheme: "socks5h+tls", protocol: "socks", version: 5, resolve: "remote", tls: true },
  socks5s: { scheme: "socks5s", protocol: "socks", version: 5, resolve: "remote", tls: true },
  auto: { scheme: "auto", protocol: "socks", version: "auto", resolve: "remote", tls: false },
  "auto+tls": { scheme: "auto+tls", protocol: "socks", version: "auto", resolve: "remote", tls: true },
  http: { scheme: "http", protocol: "http", resolve: "remote", tls: false },
  https: { scheme: "https", protocol: "http", resolve: "remote", tls: true },
};

/**
 * Every scheme that {@link parseProxyUrl} accepts, with its meaning: the table of `docs/proxy-urls.md`. A test compares
 * the two.
 */
export const PROXY_SCHEMES: readonly ProxySchemeMeaning[] = Object.freeze(Object.values(MEANINGS));

/** Choices that change what a scheme means. */
export interface ProxyUrlOptions {
  /** Version of the bare `socks` schemes: 5 resolves remotely, 4 locally as curl does, `"auto"` is `auto`. Default 5. */
  readonly bareSocksVersion?: 4 | 5 | "auto" | undefined;
  /** `true` makes the proxy resolve names whatever the scheme says. Default `false`: the scheme decides. */
  readonly remoteDns?: boolean | undefined;
}

/** Port of a SOCKS proxy whose URL names none. */
export const DEFAULT_PROXY_PORT = 1080;

/** Port of a proxy whose URL names none. */
export function defaultPortOf({ protocol, tls }: ProxySchemeMeaning): number {
  return protocol === "socks" ? DEFAULT_PROXY_PORT : tls ? 443 : 80;
}

/** What a scheme means as it is written. */
export function schemeMeaning(scheme: ProxyScheme): ProxySchemeMeaning {
  return MEANINGS[scheme];
}

/**
 * What a scheme means under the given options; `undefined` when it is not one of ours. The scheme in the answer says by
 * itself what was chosen, so that a formatted URL never depends on options.
 */
export function chooseMeaning(name: string, options: ProxyUrlOptions): ProxySchemeMeaning | undefined {
  if (!Object.hasOwn(MEANINGS, name)) return undefined;
  const scheme = name as ProxyScheme;
  const written = MEANINGS[bareScheme(scheme, options.bareSocksVersion)];
  if (options.remoteDns !== true || written.resolve === "remote") return written;
  const remote = written.version === 4 ? "socks4a" : "socks5h";
  return MEANINGS[written.tls ? (`${remote}+tls` as const) : remote];
}

/** The scheme that a bare one stands for; any other stands for itself. */
function bareScheme(scheme: ProxyScheme, version: ProxyUrlOptions["bareSocksVersion"]): ProxyScheme {
  if ((scheme !== "socks" && scheme !== "socks+tls") || version === undefined || version === 5) return scheme;
  const chosen = version === 4 ? "socks4" : "auto";
  return scheme === "socks" ? chosen : `${chosen}+tls`;
}

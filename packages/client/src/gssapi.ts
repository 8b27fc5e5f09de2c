import type { GssapiCredentials, GssapiMechanism, GssapiProtection } from "@sockskit/auth";
import type * as AuthGssapi from "@sockskit/auth-gssapi";
import { type ProxyAuthOptions, SocksError } from "@sockskit/dial";

import type { ProxyChoice, ProxyEntry } from "./read-options.ts";

/** Logging in to proxies with GSS-API (RFC 1961), which is Kerberos. Needs the package `@sockskit/auth-gssapi`. */
export interface GssapiOptions {
  /**
   * The service of the proxy: a name such as `rcmd` or `socks`, which the host in the proxy's URL is put behind; a name
   * with a host, `socks@proxy.example.com`; or with a `/` a principal, `rcmd/proxy.example.com@EXAMPLE.COM`. The KDC must
   * know it: a proxy named by an IP address needs one with a host. Default `rcmd`.
   */
  readonly service?: string | undefined;
  /** Who this is, such as `alice` or `alice@EXAMPLE.COM`. Default: whoever the credentials belong to. Needed with a password. */
  readonly principal?: string | undefined;
  /** Where tickets come from: a cache, a keytab or a password. Default: the cache of this user, which `kinit` fills. */
  readonly credentials?: GssapiCredentials | undefined;
  /**
   * What is good enough for everything after the log-in; the strongest is asked for. A proxy that grants less fails.
   * Default `["confidentiality", "integrity"]`.
   */
  readonly protection?: readonly GssapiProtection[] | undefined;
  /** Whether the protection level travels unprotected, for proxies that want it so. Default false. */
  readonly nec?: boolean | undefined;
  /**
   * Whether the proxy may choose another method: those of `proxyAuth`, by default none at all or the user name and
   * password of its URL. Nothing is protected then. Default false.
   */
  readonly fallback?: boolean | undefined;
  /** A mechanism of your own. Default: the Kerberos library of the system. */
  readonly mechanism?: GssapiMechanism | undefined;
}

/** Where {@link GssapiOptions} stand among other options. */
export interface GssapiChoice {
  /** Logs in to SOCKS 5 proxies with GSS-API (Kerberos), and protects everything after that. Default: not. */
  readonly gssapi?: GssapiOptions | undefined;
}

/** Where the methods stand among other options. */
interface ProxyAuthChoice {
  readonly proxyAuth?: ProxyAuthOptions | undefined;
}

/** Whether an option, or the URL of a proxy, asks for GSS-API. */
export function wantsGssapi({ gssapi, proxy, chain }: GssapiChoice & ProxyChoice): boolean {
  return gssapi !== undefined || asksInUrl(proxy) || (Array.isArray(chain) ? chain.some(asksInUrl) : asksInUrl(chain));
}

/** The only query that a proxy URL can have. What else stands there is an error when it is read. */
function asksInUrl(entry: ProxyEntry | readonly ProxyEntry[] | undefined): boolean {
  if (typeof entry === "string") return entry.includes("?gssapi-");
  if (typeof entry !== "object" || entry === null) return false;
  return "proxy" in entry ? asksInUrl(entry.proxy) : "gssapi" in entry;
}

/**
 * Options with GSS-API among the methods.
 *
 * @throws SocksError `ERR_SOCKS_GSSAPI_LIBRARY`, `ERR_SOCKS_BAD_OPTION`.
 */
export async function withGssapi<T extends GssapiChoice & ProxyChoice & ProxyAuthChoice>(options: T): Promise<T> {
  if (!wantsGssapi(options)) return options;
  const { gssapi, proxyAuth } = options;
  if (gssapi === undefined) {
    const gssapiForUrls = proxyAuth?.gssapiForUrls ?? proxyAuth?.gssapi ?? (await initiator({}));
    return { ...options, proxyAuth: { ...proxyAuth, gssapiForUrls } };
  }
  const { fallback = false, ...rest } = gssapi;
  const others = fallback ? (proxyAuth?.methods ?? (["userpass", "none"] as const)) : [];
  const methods = ["gssapi", ...others.filter((name) => name !== "gssapi")] as const;
  return { ...options, proxyAuth: { ...proxyAuth, methods, gssapi: await initiator(rest) } };
}

async function initiator(options: Omit<GssapiOptions, "fallback">): Promise<NonNullable<ProxyAuthOptions["gssapi"]>> {
  const { GssapiInitiator } = await load();
  try {
    return new GssapiInitiator(options);
  } catch (cause) {
    const { message } = cause as Error;
    throw new SocksError("ERR_SOCKS_BAD_OPTION", `gssapi: ${message}`, { side: "local", cause });
  }
}

async function load(): Promise<typeof AuthGssapi> {
  try {
    return await import("@sockskit/auth-gssapi");
  } catch (cause) {
    const message = 'gssapi needs the package @sockskit/auth-gssapi; install it: "npm install @sockskit/auth-gssapi"';
    throw new SocksError("ERR_SOCKS_GSSAPI_LIBRARY", message, { side: "local", cause });
  }
}

import type { GssapiCredentials, GssapiMechanism, GssapiProtection } from "@sockskit/auth";
import type * as AuthGssapi from "@sockskit/auth-gssapi";
import { type ProxyAuthOptions, SocksError } from "@sockskit/dial";

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

/**
 * Options with GSS-API among the methods.
 *
 * @throws SocksError `ERR_SOCKS_GSSAPI_LIBRARY`, `ERR_SOCKS_BAD_OPTION`.
 */
export async function withGssapi<T extends GssapiChoice & { readonly proxyAuth?: ProxyAuthOptions | undefined }>(
  options: T,
): Promise<T> {
  const { gssapi, proxyAuth } = options;
  if (gssapi === undefined) return options;
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

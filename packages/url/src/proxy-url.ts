import type { Address, Network } from "@sockskit/wire";

import { formatDirectNetwork } from "./direct-networks.ts";
import { ProxyUrlError } from "./errors.ts";
import { formatGssapiQuery, type ProxyUrlGssapi, schemeProblem } from "./gssapi-query.ts";
import { REDACTED } from "./redact.ts";
import { type ProxyResolution, type ProxyScheme, type ProxySchemeMeaning, schemeMeaning } from "./schemes.ts";

/**
 * One proxy: what a proxy URL says, as plain data. The password is not among the fields, so that printing,
 * comparing or serialising the object never shows it; {@link credentialsOf} gives it out.
 */
export interface ProxyUrl {
  /** The scheme, in lower case; it agrees with `protocol`, `version`, `resolve` and `tls`. */
  readonly scheme: ProxyScheme;
  /** What to speak; `http` is its method CONNECT. */
  readonly protocol: "socks" | "http";
  /** SOCKS version to speak; `"auto"`: whoever connects finds it out. Absent with `http`. */
  readonly version?: 4 | 5 | "auto";
  /** Whether the connection to the proxy is TLS. */
  readonly tls: boolean;
  /** Who resolves names of targets: this side or the proxy. */
  readonly resolve: ProxyResolution;
  /** Host and port of the proxy. */
  readonly address: Address;
  /** The user name, or the USERID of SOCKS 4; 1 to 255 octets of UTF-8. Absent when the URL names nobody. */
  readonly username?: string;
  /** Whether a password belongs to the user name, be it an empty one. */
  readonly hasPassword: boolean;
  /** Networks that are reached without the proxy (Tectia form). Absent when there are none. */
  readonly direct?: readonly Network[];
  /** Options of GSS-API: whoever connects logs in to this proxy with it. Absent when there are none. */
  readonly gssapi?: ProxyUrlGssapi;
  /** What in the URL was understood and is not used, for people. Absent when there is nothing to say. */
  readonly warnings?: readonly string[];
}

/** User name and password, as text. */
export interface ProxyCredentials {
  /** The user name; for SOCKS 4 the USERID. */
  readonly username: string;
  /** The password; empty when there is none. */
  readonly password: string;
}

/** The passwords, apart from the objects that travel through logs and errors. */
const passwords = new WeakMap<ProxyUrl, string>();

/** What {@link createProxyUrl} puts together; every part is valid already. */
interface ProxyUrlParts {
  readonly meaning: ProxySchemeMeaning;
  readonly address: Address;
  readonly credentials?: { readonly username: string; readonly password: string | undefined } | undefined;
  readonly direct: readonly Network[];
  readonly gssapi?: ProxyUrlGssapi | undefined;
}

/** Makes the value and puts its password aside. */
export function createProxyUrl({ meaning, address, credentials, direct, gssapi }: ProxyUrlParts): ProxyUrl {
  const given = credentials?.password;
  // SOCKS 4 has no place for a password: it is dropped here, so that it can leak nowhere.
  const password = meaning.version === 4 ? undefined : given;
  const proxy: ProxyUrl = Object.freeze({
    ...meaning,
    address,
    ...(credentials === undefined ? {} : { username: credentials.username }),
    hasPassword: password !== undefined,
    ...(direct.length === 0 ? {} : { direct: Object.freeze([...direct]) }),
    ...(gssapi === undefined ? {} : { gssapi }),
    ...(given === password
      ? {}
      : { warnings: Object.freeze(["SOCKS 4 knows no password: the one given is not sent"]) }),
  });
  if (password !== undefined) passwords.set(proxy, password);
  return proxy;
}

/**
 * User name and password of a proxy; `undefined` when its URL names no user.
 *
 * @throws ProxyUrlError `ERR_SOCKS_CREDENTIALS_LOST` when `proxy` is a copy: passwords belong to the object that was
 *   parsed, and do not travel with `{ ...proxy }`, `structuredClone` or JSON.
 */
export function credentialsOf(proxy: ProxyUrl): ProxyCredentials | undefined {
  if (proxy.username === undefined) return undefined;
  if (!proxy.hasPassword) return { username: proxy.username, password: "" };
  const password = passwords.get(proxy);
  if (password === undefined) {
    const problem =
      "this is a copy without its password; pass on the very object that was parsed, or parse the URL again";
    throw new ProxyUrlError("ERR_SOCKS_CREDENTIALS_LOST", problem, { input: formatProxyUrl(proxy) });
  }
  return { username: proxy.username, password };
}

/**
 * The same proxy under another scheme, with its credentials as far as that version carries them: what `auto` turned out
 * to be.
 *
 * @throws ProxyUrlError `ERR_SOCKS_CREDENTIALS_LOST` when `proxy` is a copy, see {@link credentialsOf};
 *   `ERR_SOCKS_BAD_PROXY_URL` when it has options of GSS-API and the scheme is not of SOCKS 5: they are never dropped.
 */
export function withProxyScheme(proxy: ProxyUrl, scheme: ProxyScheme): ProxyUrl {
  const { address, username, hasPassword, direct = [], gssapi } = proxy;
  const problem = gssapi === undefined ? undefined : schemeProblem(schemeMeaning(scheme));
  if (problem !== undefined)
    throw new ProxyUrlError("ERR_SOCKS_BAD_PROXY_URL", problem, { input: formatProxyUrl(proxy) });
  const password = hasPassword ? credentialsOf(proxy)?.password : undefined;
  const credentials = username === undefined ? undefined : { username, password };
  return createProxyUrl({ meaning: schemeMeaning(scheme), address, credentials, direct, gssapi });
}

/** Choices of {@link formatProxyUrl}. */
export interface FormatProxyUrlOptions {
  /** `true` writes the password out; otherwise `***` stands in its place. Default `false`. */
  readonly showSecrets?: boolean | undefined;
}

/**
 * The URL of a proxy, with its port always written. With `showSecrets`, parsing the result gives an equal proxy.
 *
 * @throws ProxyUrlError `ERR_SOCKS_CREDENTIALS_LOST` with `showSecrets` on a copy, see {@link credentialsOf}.
 */
export function formatProxyUrl(proxy: ProxyUrl, options: FormatProxyUrlOptions = {}): string {
  const { scheme, address, username, direct, gssapi } = proxy;
  let userinfo = "";
  if (username !== undefined) {
    const shown = options.showSecrets === true ? encodeURIComponent(credentialsOf(proxy)?.password ?? "") : REDACTED;
    userinfo = `${encodeURIComponent(username)}${proxy.hasPassword ? `:${shown}` : ""}@`;
  }
  const zone = address.type === "ipv6" && address.zone !== undefined ? `%25${encodeURIComponent(address.zone)}` : "";
  const host = address.type === "ipv6" ? `[${address.host}${zone}]` : address.host;
  const path = direct === undefined ? "" : `/${direct.map(formatDirectNetwork).join(",")}`;
  const query = gssapi === undefined ? "" : formatGssapiQuery(gssapi);
  return `${scheme}://${userinfo}${host}:${address.port}${path}${query}`;
}

/**
 * Everything that names a proxy as text: proxy URLs, chains of them, PAC results, the environment variables of
 * curl and of classic SOCKS clients, and lists of hosts to reach directly.
 *
 * A setting that cannot be read is an error, never a direct connection. Passwords stay out of objects, messages and
 * formatted URLs unless asked for.
 *
 * @packageDocumentation
 */
export { MAX_BYPASS_LIST_LENGTH, matchesBypassList, parseBypassList } from "./bypass-list.ts";
export type { BypassEntry, BypassList, BypassPattern } from "./bypass-list.ts";
export { MAX_PROXY_CHAIN_HOPS, MAX_PROXY_CHAIN_LENGTH, parseProxyChain } from "./chain.ts";
export { isReachedDirectly } from "./direct-networks.ts";
export { proxyFromEnvironment } from "./environment.ts";
export type { EnvironmentBypass, EnvironmentProxy, EnvironmentQuery } from "./environment.ts";
export { ProxyUrlError } from "./errors.ts";
export type { ProxyUrlErrorCode, ProxyUrlErrorOptions } from "./errors.ts";
export type { ProxyUrlGssapi, ProxyUrlProtection } from "./gssapi-query.ts";
export { MAX_PAC_RESULT_LENGTH, parsePacResult } from "./pac-result.ts";
export type { PacEntry, PacOptions } from "./pac-result.ts";
export { MAX_PROXY_URL_LENGTH, parseProxyUrl } from "./parse.ts";
export { MAX_CREDENTIAL_LENGTH } from "./percent.ts";
export { credentialsOf, formatProxyUrl, withProxyScheme } from "./proxy-url.ts";
export type { FormatProxyUrlOptions, ProxyCredentials, ProxyUrl } from "./proxy-url.ts";
export { redactProxyUrl } from "./redact.ts";
export { DEFAULT_PROXY_PORT, PROXY_SCHEMES } from "./schemes.ts";
export type { ProxyResolution, ProxyScheme, ProxySchemeMeaning, ProxyUrlOptions } from "./schemes.ts";

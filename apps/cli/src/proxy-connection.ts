import type { ChainHop, ProxyAuthOptions, ProxyHop, ProxyTlsOptions } from "@sockskit/dial";
import type { Command } from "commander";

import { usageError } from "./cli-error.ts";
import { addProxyAuthOptions, type ProxyAuthArguments, proxyAuthOf } from "./proxy-auth.ts";
import { readPem } from "./read-pem.ts";
import type { Reporter } from "./reporter.ts";
import { showArgument } from "./show-argument.ts";

/** Options about TLS with proxies. */
export interface ProxyTlsArguments {
  /** File with the certificates to trust. */
  readonly proxyCacert?: string;
  /** File with the certificate of this side. */
  readonly proxyCert?: string;
  /** File with its key; the one of the certificate unless given. */
  readonly proxyKey?: string;
  /** Any certificate of a proxy is taken. */
  readonly proxyInsecure?: true;
}

/** Options about the connections to proxies. */
export interface ProxyConnectionArguments extends ProxyTlsArguments, ProxyAuthArguments {
  /** Version of the PROXY header that the first proxy gets. */
  readonly proxyProtocol?: 1 | 2;
}

/** Adds the options about TLS with proxies. */
export function addProxyTlsOptions(command: Command): Command {
  return command
    .option(
      "--proxy-cacert <file>",
      "TLS with a proxy: trust the certificates in this PEM file instead of the usual ones",
    )
    .option("--proxy-cert <file>", "TLS with a proxy: certificate of this side (PEM), for proxies that want one")
    .option("--proxy-key <file>", "TLS with a proxy: key of --proxy-cert; by default in the same file")
    .option("--proxy-insecure", "TLS with a proxy: take any certificate; whoever is on the way can read everything");
}

/** Adds all options about the connections to proxies. */
export function addProxyConnectionOptions(command: Command): Command {
  return addProxyTlsOptions(addProxyAuthOptions(command)).option(
    "--proxy-protocol <version>",
    "send the first proxy a PROXY protocol header, version 1 or 2",
    parseProxyProtocol,
  );
}

/** What was read already: `forward` connects many times. */
const known = new WeakMap<ProxyTlsArguments, ProxyTlsOptions>();

/**
 * TLS as the options say. Says on standard error, once, when certificates are not checked.
 *
 * @param proxies - Whom the options are about.
 * @returns `undefined` when no option says anything.
 * @throws CliError `ERR_SOCKS_USAGE`, also where no proxy has TLS; `ERR_SOCKS_FILE`.
 */
export function proxyTls(
  options: ProxyTlsArguments,
  proxies: readonly ProxyHop[],
  reporter: Reporter,
): ProxyTlsOptions | undefined {
  const { proxyCacert, proxyCert, proxyKey = proxyCert, proxyInsecure } = options;
  if (proxyCert === undefined && proxyKey !== undefined) throw usageError("--proxy-key needs --proxy-cert");
  if (!asksForTls(options)) return undefined;
  if (!proxies.some((proxy) => proxy.tls)) {
    const message =
      "--proxy-cacert, --proxy-cert and --proxy-insecure are about TLS with a proxy, and no proxy here has it";
    throw usageError(`${message}; use https:// or a scheme with +tls`);
  }
  let tls = known.get(options);
  if (tls === undefined) {
    tls = {
      ...(proxyCacert !== undefined && { ca: readPem(proxyCacert) }),
      ...(proxyCert !== undefined && { cert: readPem(proxyCert), key: readPem(proxyKey ?? proxyCert) }),
      ...(proxyInsecure === true && { rejectUnauthorized: false }),
    };
    known.set(options, tls);
    if (proxyInsecure === true) warnInsecure(reporter);
  }
  return tls;
}

/**
 * A chain with what the options say about its connections.
 *
 * @throws CliError `ERR_SOCKS_USAGE`, also for options about TLS where no proxy has it; `ERR_SOCKS_FILE`.
 */
export function connectionsOf(
  options: ProxyConnectionArguments,
  chain: readonly ProxyHop[],
  reporter: Reporter,
): { readonly chain: readonly ChainHop[]; readonly tls?: ProxyTlsOptions; readonly proxyAuth?: ProxyAuthOptions } {
  if (options.proxyAuth !== undefined && !chain.some(({ version }) => version === 5 || version === "auto")) {
    throw usageError("--proxy-auth is about SOCKS 5, and no proxy here speaks it; use socks5h:// or leave it out");
  }
  const tls = proxyTls(options, chain, reporter);
  const { proxyProtocol: version } = options;
  const [first, ...rest] = chain;
  const hops =
    version === undefined || first === undefined ? chain : [{ proxy: first, proxyProtocol: { version } }, ...rest];
  return {
    chain: hops,
    ...proxyAuthOf(
      options,
      chain.some(({ gssapi }) => gssapi !== undefined),
    ),
    ...(tls !== undefined && { tls }),
  };
}

function asksForTls({ proxyCacert, proxyCert, proxyInsecure }: ProxyTlsArguments): boolean {
  return proxyCacert !== undefined || proxyCert !== undefined || proxyInsecure !== undefined;
}

function warnInsecure(reporter: Reporter): void {
  const message =
    "--proxy-insecure: certificates of proxies are not checked; whoever is on the way can read and change everything";
  reporter.note(`sockskit: warning: ${message}`, { type: "warning", message });
}

function parseProxyProtocol(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw usageError(`${showArgument(text)} is no version of the PROXY protocol; expected 1 or 2`);
}

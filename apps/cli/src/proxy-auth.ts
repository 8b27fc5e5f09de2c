import type { GssapiInitiator } from "@sockskit/auth-gssapi";
import type { ProxyAuthMethod, ProxyAuthOptions, ProxyQuestion } from "@sockskit/dial";
import type { Command } from "commander";

import { askTerminal } from "./ask-terminal.ts";
import { usageError } from "./cli-error.ts";
import {
  addProxyGssapiOptions,
  givenGssapiOption,
  gssapiOf,
  PROTECTIONS,
  type ProxyGssapiArguments,
} from "./proxy-gssapi.ts";
import { readPem } from "./read-pem.ts";
import { showArgument } from "./show-argument.ts";

/** Options about authentication at proxies. */
export interface ProxyAuthArguments extends ProxyGssapiArguments {
  /** Methods to offer. */
  readonly proxyAuth?: ProxyAuthNames;
  /** File with certificates to trust for the method `ssl`. */
  readonly sslCacert?: string;
}

/** What `--proxy-auth` says. */
interface ProxyAuthNames {
  readonly methods: readonly ProxyAuthMethod[];
  /** Methods inside TLS; none: the default. */
  readonly inside: readonly InnerMethod[];
}

type InnerMethod = Exclude<ProxyAuthMethod, "ssl" | "gssapi">;

const INNER: readonly InnerMethod[] = ["none", "userpass", "chap", "cram"];

/** Adds `--proxy-auth` and what belongs to it. */
export function addProxyAuthOptions(command: Command): Command {
  const option = command.createOption(
    "--proxy-auth <methods>",
    "what to offer SOCKS 5 proxies: none, userpass, chap, cram, gssapi, ssl, ssl/chap and so on, with commas",
  );
  command
    .addOption(option.argParser(parseMethods))
    .option("--ssl-cacert <file>", "trust the certificates in this PEM file for ssl, instead of the usual ones");
  return addProxyGssapiOptions(command);
}

/**
 * What the command line says, for a probe. It logs in with GSS-API wherever that is offered, to see what it gets: nothing
 * is sent after that, so any protection will do.
 */
export function probeAuthOf(options: ProxyAuthArguments): ProbeAuth {
  const { proxyAuth } = options;
  if (proxyAuth !== undefined && (proxyAuth.methods.includes("cram") || proxyAuth.inside.includes("cram"))) {
    throw usageError("a probe would ask you the same for each of its requests; leave cram out of --proxy-auth");
  }
  return { ...proxyAuthOf(options, true), gssapi: gssapiOf(options, { protection: PROTECTIONS }) };
}

/** How a probe logs in. */
export interface ProbeAuth {
  /** For its requests. */
  readonly proxyAuth?: ProxyAuthOptions;
  /** For the question what GSS-API would get. */
  readonly gssapi: GssapiInitiator;
}

/**
 * What the command line says, for the call that connects.
 *
 * @param usesGssapi - Whether something else than `--proxy-auth` has GSS-API used: the URL of a proxy.
 */
export function proxyAuthOf(
  options: ProxyAuthArguments,
  usesGssapi: boolean,
): { readonly proxyAuth?: ProxyAuthOptions } {
  const { proxyAuth, sslCacert } = options;
  const methods = proxyAuth?.methods ?? [];
  if (sslCacert !== undefined && !methods.includes("ssl")) throw usageError("--ssl-cacert is for --proxy-auth ssl");
  const isNamed = methods.includes("gssapi");
  const useless = usesGssapi || isNamed ? undefined : givenGssapiOption(options);
  if (useless !== undefined) throw usageError(`${useless} is for --proxy-auth gssapi`);
  const gssapiForUrls = usesGssapi ? { gssapiForUrls: gssapiOf(options) } : {};
  if (proxyAuth === undefined) return usesGssapi ? { proxyAuth: gssapiForUrls } : {};
  const { inside } = proxyAuth;
  const ca = sslCacert === undefined ? {} : { ca: readPem(sslCacert) };
  const ssl = { ...ca, ...(inside.length === 0 ? {} : { methods: inside }) };
  const gssapi = isNamed ? { gssapi: gssapiOf(options) } : gssapiForUrls;
  return { proxyAuth: { methods, ...(methods.includes("ssl") && { ssl }), ...gssapi, onQuestion: ask } };
}

function ask({ prompt, text, hop, signal }: ProxyQuestion): Promise<string> {
  const said = text === "" ? "" : `${text}\r\n`;
  return askTerminal(`${hop.proxy} asks:\r\n${said}${prompt} `, signal);
}

function parseMethods(written: string): ProxyAuthNames {
  const methods = new Set<ProxyAuthMethod>();
  const inside = new Set<InnerMethod>();
  for (const name of written.split(",").map((part) => part.trim())) {
    const inner = name.startsWith("ssl/") ? INNER.find((known) => known === name.slice(4)) : undefined;
    if (inner !== undefined) inside.add(inner);
    const method =
      inner === undefined ? [...INNER, "gssapi" as const, "ssl" as const].find((known) => known === name) : "ssl";
    if (method === undefined) throw usageError(problemWith(name));
    methods.add(method);
  }
  return { methods: [...methods], inside: [...inside] };
}

function problemWith(name: string): string {
  if (name === "nds")
    return "nds, Novell Directory Services (0x07), cannot be spoken: nobody has published how it works";
  if (name === "maf") return "maf (0x08) runs methods that a program brings; use @sockskit/client";
  return `${showArgument(name)} is no method; expected some of ${INNER.join(", ")}, gssapi, ssl, ssl/userpass, ssl/chap, ssl/cram`;
}

import type { GssapiProtection } from "@sockskit/auth";
import { GssapiInitiator } from "@sockskit/auth-gssapi";
import type { ProxyAuthMethod, ProxyAuthOptions, ProxyQuestion } from "@sockskit/dial";
import type { Command } from "commander";

import { askTerminal } from "./ask-terminal.ts";
import { usageError } from "./cli-error.ts";
import { readPem } from "./read-pem.ts";
import { showArgument } from "./show-argument.ts";

/** Options about authentication at proxies. */
export interface ProxyAuthArguments {
  /** Methods to offer. */
  readonly proxyAuth?: ProxyAuthNames;
  /** File with certificates to trust for the method `ssl`. */
  readonly sslCacert?: string;
  /** Service of the proxy for the method `gssapi`. */
  readonly gssapiService?: string;
  /** What `gssapi` must protect. */
  readonly gssapiProtection?: readonly GssapiProtection[];
}

/** What `--proxy-auth` says. */
interface ProxyAuthNames {
  readonly methods: readonly ProxyAuthMethod[];
  /** Methods inside TLS; none: the default. */
  readonly inside: readonly InnerMethod[];
}

type InnerMethod = Exclude<ProxyAuthMethod, "ssl" | "gssapi">;

const PROTECTIONS: readonly GssapiProtection[] = ["confidentiality", "integrity", "none"];
const INNER: readonly InnerMethod[] = ["none", "userpass", "chap", "cram"];

/** Adds `--proxy-auth` and what belongs to it. */
export function addProxyAuthOptions(command: Command): Command {
  const option = command.createOption(
    "--proxy-auth <methods>",
    "what to offer SOCKS 5 proxies: none, userpass, chap, cram, gssapi, ssl, ssl/chap and so on, with commas",
  );
  const protection = command.createOption(
    "--gssapi-protection <levels>",
    "what is good enough for gssapi: confidentiality, integrity, none, with commas (default: the first two)",
  );
  return command
    .addOption(option.argParser(parseMethods))
    .option("--ssl-cacert <file>", "trust the certificates in this PEM file for ssl, instead of the usual ones")
    .option(
      "--gssapi-service <name>",
      "service of the proxy for gssapi: rcmd, socks@host, rcmd/host@REALM (default: rcmd)",
    )
    .addOption(protection.argParser(parseProtection));
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
  const isNamed = proxyAuth?.methods.includes("gssapi") === true;
  const { gssapiService: service, gssapiProtection: protection = PROTECTIONS } = options;
  const requests = isNamed ? options : withoutGssapi(options);
  return { ...proxyAuthOf(requests), gssapi: new GssapiInitiator({ service, protection }) };
}

/** How a probe logs in. */
export interface ProbeAuth {
  /** For its requests. */
  readonly proxyAuth?: ProxyAuthOptions;
  /** For the question what GSS-API would get. */
  readonly gssapi: GssapiInitiator;
}

function withoutGssapi({ proxyAuth, sslCacert }: ProxyAuthArguments): ProxyAuthArguments {
  return { ...(proxyAuth !== undefined && { proxyAuth }), ...(sslCacert !== undefined && { sslCacert }) };
}

/** What the command line says, for the call that connects. */
export function proxyAuthOf(options: ProxyAuthArguments): { readonly proxyAuth?: ProxyAuthOptions } {
  const { proxyAuth, sslCacert, gssapiService: service, gssapiProtection: protection } = options;
  const methods = proxyAuth?.methods ?? [];
  if (sslCacert !== undefined && !methods.includes("ssl")) throw usageError("--ssl-cacert is for --proxy-auth ssl");
  if ((service ?? protection) !== undefined && !methods.includes("gssapi")) {
    throw usageError("--gssapi-service and --gssapi-protection are for --proxy-auth gssapi");
  }
  if (proxyAuth === undefined) return {};
  const { inside } = proxyAuth;
  const ca = sslCacert === undefined ? {} : { ca: readPem(sslCacert) };
  const ssl = { ...ca, ...(inside.length === 0 ? {} : { methods: inside }) };
  const gssapi = methods.includes("gssapi") ? { gssapi: new GssapiInitiator({ service, protection }) } : {};
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

function parseProtection(written: string): readonly GssapiProtection[] {
  return written.split(",").map((part) => {
    const name = PROTECTIONS.find((known) => known === part.trim());
    if (name !== undefined) return name;
    throw usageError(`${showArgument(part)} is no protection; expected some of ${PROTECTIONS.join(", ")}`);
  });
}

function problemWith(name: string): string {
  if (name === "nds")
    return "nds, Novell Directory Services (0x07), cannot be spoken: nobody has published how it works";
  if (name === "maf") return "maf (0x08) runs methods that a program brings; use @sockskit/client";
  return `${showArgument(name)} is no method; expected some of ${INNER.join(", ")}, gssapi, ssl, ssl/userpass, ssl/chap, ssl/cram`;
}

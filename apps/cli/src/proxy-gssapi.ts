import type { GssapiProtection } from "@sockskit/auth";
import { GssapiInitiator, type InitiatorOptions } from "@sockskit/auth-gssapi";
import type { Command } from "commander";

import { usageError } from "./cli-error.ts";
import { showArgument } from "./show-argument.ts";

/** Options about GSS-API at proxies. */
export interface ProxyGssapiArguments {
  /** Service of the proxy. */
  readonly gssapiService?: string;
  /** Who this is. */
  readonly gssapiPrincipal?: string;
  /** What must be protected. */
  readonly gssapiProtection?: readonly GssapiProtection[];
  /** Whether the level travels unprotected. */
  readonly gssapiNec?: true;
  /** Cache with the tickets of this side. */
  readonly gssapiCcache?: string;
  /** Keytab to get tickets with. */
  readonly gssapiKeytab?: string;
}

/** Every level there is, the strongest first. */
export const PROTECTIONS: readonly GssapiProtection[] = ["confidentiality", "integrity", "none"];

/** Adds the options about GSS-API. */
export function addProxyGssapiOptions(command: Command): Command {
  const protection = command.createOption(
    "--gssapi-protection <levels>",
    "what is good enough for gssapi: confidentiality, integrity, none, with commas (default: the first two)",
  );
  return command
    .option(
      "--gssapi-service <name>",
      "service of the proxy for gssapi: rcmd, socks@host, rcmd/host@REALM (default: rcmd)",
    )
    .option("--gssapi-principal <name>", "who you are for gssapi (default: whoever the tickets belong to)")
    .option("--gssapi-ccache <name>", "take the tickets for gssapi from this cache, such as FILE:tickets")
    .option("--gssapi-keytab <file>", "get the tickets for gssapi with the key in this keytab")
    .addOption(protection.argParser(parseProtection))
    .option("--gssapi-nec", "send gssapi's protection level unprotected, for proxies that want it so");
}

/** The first option about GSS-API that is given; `undefined` without any. */
export function givenGssapiOption(options: ProxyGssapiArguments): string | undefined {
  const { gssapiService, gssapiPrincipal, gssapiProtection, gssapiNec, gssapiCcache, gssapiKeytab } = options;
  const given = {
    "--gssapi-service": gssapiService,
    "--gssapi-principal": gssapiPrincipal,
    "--gssapi-protection": gssapiProtection,
    "--gssapi-nec": gssapiNec,
    "--gssapi-ccache": gssapiCcache,
    "--gssapi-keytab": gssapiKeytab,
  };
  return Object.entries(given).find(([, value]) => value !== undefined)?.[0];
}

/**
 * What logs in to proxies with GSS-API.
 *
 * @param more - What counts where no option says anything.
 */
export function gssapiOf(options: ProxyGssapiArguments, more: InitiatorOptions = {}): GssapiInitiator {
  const { gssapiService: service, gssapiPrincipal: principal, gssapiProtection, gssapiNec, ...rest } = options;
  const { gssapiCcache: ccache, gssapiKeytab: keytab } = rest;
  if (ccache !== undefined && keytab !== undefined)
    throw usageError("--gssapi-ccache and --gssapi-keytab exclude each other");
  const protection = gssapiProtection ?? more.protection;
  const credentials =
    keytab !== undefined
      ? ({ type: "keytab", keytab } as const)
      : ccache === undefined
        ? undefined
        : ({ type: "ccache", ccache } as const);
  return new GssapiInitiator({ service, principal, protection, credentials, nec: gssapiNec });
}

function parseProtection(written: string): readonly GssapiProtection[] {
  return written.split(",").map((part) => {
    const name = PROTECTIONS.find((known) => known === part.trim());
    if (name !== undefined) return name;
    throw usageError(`${showArgument(part)} is no protection; expected some of ${PROTECTIONS.join(", ")}`);
  });
}

import type { Command } from "commander";

import { usageError } from "./cli-error.ts";
import { parseDuration } from "./duration.ts";
import { addProxyConnectionOptions, type ProxyConnectionArguments } from "./proxy-connection.ts";

/** Options that every command knows. */
export interface CommonOptions {
  /** How much to tell on standard error: 0 errors only, 1 each step, 2 the octets as well. */
  readonly verbose: number;
  /** Machine-readable output. */
  readonly json: boolean;
}

/** Options of the commands that connect through proxies. */
export interface RouteOptions extends CommonOptions, ProxyConnectionArguments {
  /** The values of `-x`, in their order. */
  readonly proxy: readonly string[];
  /** Milliseconds for the way to the destination, over all hops. */
  readonly timeout: number;
  /** Only IPv4 on this side. */
  readonly ipv4?: true;
  /** Only IPv6 on this side. */
  readonly ipv6?: true;
}

/** Adds `-v` and `--json`. */
export function addCommonOptions(command: Command): Command {
  return command
    .option("-v, --verbose", "say each step on standard error; twice: the octets too, secrets masked", count, 0)
    .option("--json", "machine-readable output", false);
}

/** Adds `-x`, `--timeout`, `-4`, `-6` and the common ones. */
export function addRouteOptions(command: Command): Command {
  command.option(
    "-x, --proxy <url>",
    "proxy: socks5h://, http:// and others; repeat it for a chain, the nearest first",
    collect,
    [],
  );
  return addCommonOptions(addProxyConnectionOptions(addNetworkOptions(command)));
}

/** Adds `--timeout`, `-4` and `-6`. */
export function addNetworkOptions(
  command: Command,
  timeout = "30s",
  meaning = "for the whole way to the destination",
): Command {
  const option = command.createOption("--timeout <duration>", meaning);
  return command
    .addOption(option.argParser(parseDuration).default(parseDuration(timeout), timeout))
    .option("-4, --ipv4", "use IPv4 only on this side")
    .option("-6, --ipv6", "use IPv6 only on this side");
}

/** The IP version that `-4` and `-6` choose. */
export function familyOf(options: { readonly ipv4?: true; readonly ipv6?: true }): "auto" | 4 | 6 {
  if (options.ipv4 === true && options.ipv6 === true) throw usageError("-4 and -6 exclude each other");
  return options.ipv4 === true ? 4 : options.ipv6 === true ? 6 : "auto";
}

/** Adds a value to those of an option that may be repeated. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function count(_value: string, previous: number): number {
  return previous + 1;
}

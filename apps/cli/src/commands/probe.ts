import { type ProbeReport, probeProxy } from "@sockskit/client";
import { parseProxyUrl } from "@sockskit/url";

import { CliError } from "../cli-error.ts";
import { type CommonOptions, familyOf } from "../options.ts";
import { EXIT_STATUS, exitStatusOf } from "../exit-status.ts";
import { describeReport } from "../probe-table.ts";
import { printableJson } from "../printable.ts";
import { Reporter } from "../reporter.ts";
import { print } from "../standard-output.ts";
import { parseTarget } from "../target.ts";

/** Options of `sockskit probe`. */
export interface ProbeOptions extends CommonOptions {
  /** What to ask the proxy to connect to. */
  readonly target?: string;
  /** Milliseconds for each answer. */
  readonly timeout: number;
  /** Only IPv4 on this side. */
  readonly ipv4?: true;
  /** Only IPv6 on this side. */
  readonly ipv6?: true;
}

const KIND: Readonly<Record<Exclude<ProbeReport["protocol"], "socks">, string>> = {
  http: "an HTTP server",
  tls: "a TLS server",
  ssh: "an SSH server",
  other: "something else",
  unknown: "silent to SOCKS, HTTP and TLS",
};

/** `sockskit probe`: what each of some proxies speaks. The first one that is no SOCKS proxy decides the exit status. */
export async function probe(texts: readonly string[], options: ProbeOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "probe" });
  const target = options.target === undefined ? undefined : parseTarget(options.target);
  const family = familyOf(options);
  // The scheme does not matter here, so it may be left out.
  const proxies = texts.map((text) => parseProxyUrl(text.includes("://") ? text : `socks5h://${text}`));
  let status = EXIT_STATUS.success;
  for (const proxy of proxies) {
    try {
      const report = await probeProxy({ proxy, target, family, timeoutMs: options.timeout });
      await print(options.json ? `${printableJson(report)}\n` : `${describeReport(report)}\n`);
      if (report.protocol !== "socks") throw notSocks(report);
    } catch (error) {
      if (exitStatusOf(error) === EXIT_STATUS["broken-pipe"]) throw error;
      reporter.error(error);
      if (status === EXIT_STATUS.success) status = exitStatusOf(error);
    }
  }
  return status;
}

function notSocks({ proxy, protocol, firstLine }: ProbeReport): CliError {
  const kind = protocol === "socks" ? "" : KIND[protocol];
  const line = firstLine === undefined ? "" : `; its first line is "${firstLine}"`;
  return new CliError("ERR_SOCKS_NOT_SOCKS", `${proxy} is no SOCKS proxy: it is ${kind}${line}`);
}

import { isSocksError, type ProbeReport, probeProxy } from "@sockskit/client";
import { formatProxyUrl, type ProxyUrl } from "@sockskit/url";

import { CliError, usageError } from "../cli-error.ts";
import { EXIT_STATUS, exitStatusOf } from "../exit-status.ts";
import { type CommonOptions, familyOf } from "../options.ts";
import { probeAuthOf } from "../proxy-auth.ts";
import { type ProxyConnectionArguments, proxyTls } from "../proxy-connection.ts";
import { printableJson } from "../printable.ts";
import { describeReport } from "../probe/full-report.ts";
import { runInOrder } from "../probe/in-order.ts";
import { ProgressLine } from "../probe/progress-line.ts";
import { parseProxy, readProxyList } from "../probe/proxy-list.ts";
import { type ProbeResult, SummaryTable } from "../probe/summary-table.ts";
import { Reporter } from "../reporter.ts";
import { print } from "../standard-output.ts";
import { parseTarget } from "../target.ts";

/** Options of `sockskit probe`. */
export interface ProbeOptions extends CommonOptions, ProxyConnectionArguments {
  /** What to ask the proxies to connect to. */
  readonly target?: string;
  /** Files with lists of proxies; `-` is standard input. */
  readonly file: readonly string[];
  /** Proxies at a time. */
  readonly concurrency: number;
  /** A full report of each proxy of a list. */
  readonly full: boolean;
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
  const { proxies, isList, mistakes } = await readProxies(texts, options.file);
  for (const mistake of mistakes) reporter.error(mistake);
  const tls = proxyTls(options, proxies, reporter);
  const { proxyProtocol: version } = options;
  const connections = {
    tls,
    ...probeAuthOf(options),
    ...(version !== undefined && { proxyProtocol: { version } }),
  };
  let status = exitStatusOfFirst(mistakes);
  const fail = (failure: number): void => {
    if (status === EXIT_STATUS.success) status = failure;
  };

  const controller = new AbortController();
  const { signal } = controller;
  const onSignal = (): void => controller.abort();
  for (const name of SIGNALS) process.once(name, onSignal);
  const output = isList ? outputOfList(proxies, options, reporter) : outputOfOne(options, reporter);
  let line: ProgressLine | undefined;
  try {
    if (output.head !== undefined && proxies.length > 0) await print(output.head);
    line = new ProgressLine(proxies.length);
    const progress = line;
    await runInOrder({
      inputs: proxies,
      concurrency: options.concurrency,
      work: async (proxy): Promise<ProbeResult> => {
        const startedAt = performance.now();
        const url = formatProxyUrl(proxy);
        const result = await probeProxy({
          proxy,
          target,
          family,
          ...connections,
          timeoutMs: options.timeout,
          signal,
        }).then(
          (report) => ({ proxy: url, report }),
          (error: unknown) => ({ proxy: url, error }),
        );
        if (options.verbose > 0 && !signal.aborted) {
          const outcome = "report" in result ? result.report.protocol : "failed";
          progress.clear();
          reporter.step(performance.now() - startedAt, `${url}: ${outcome}`, { type: "probed", proxy: url, outcome });
          progress.restore();
        }
        return result;
      },
      onDone: (count) => progress.update(count),
      onResult: async (result) => {
        progress.clear();
        await output.show(result);
        progress.restore();
        if ("error" in result) fail(exitStatusOf(result.error));
        else if (result.report.protocol !== "socks") fail(exitStatusOf(notSocks(result.report)));
      },
      signal,
    });
  } finally {
    line?.clear();
    for (const name of SIGNALS) process.removeListener(name, onSignal);
  }
  return signal.aborted ? EXIT_STATUS.interrupted : status;
}

/** What there is to probe. */
interface ProbeInputs {
  readonly proxies: readonly ProxyUrl[];
  /** Whether there may be several. */
  readonly isList: boolean;
  readonly mistakes: readonly CliError[];
}

/** The arguments first, then the lists. */
async function readProxies(texts: readonly string[], given: readonly string[]): Promise<ProbeInputs> {
  const files = [...texts.filter((text) => text === "-"), ...given];
  if (files.filter((file) => file === "-").length > 1) throw usageError("standard input can be read once only");
  const proxies = texts.filter((text) => text !== "-").map(parseProxy);
  const isList = files.length > 0 || proxies.length > 1;
  const mistakes: CliError[] = [];
  for (const file of files) {
    const list = await readProxyList(file);
    // One by one: more than a call takes as arguments may stand in a list.
    for (const proxy of list.proxies) proxies.push(proxy);
    for (const mistake of list.mistakes) mistakes.push(mistake);
  }
  if (proxies.length === 0 && mistakes.length === 0) throw usageError("no proxy given, and none in the lists");
  return { proxies, isList, mistakes };
}

function exitStatusOfFirst([first]: readonly CliError[]): number {
  return first === undefined ? EXIT_STATUS.success : exitStatusOf(first);
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** How results are written. */
interface ResultOutput {
  /** What stands before all of them. */
  readonly head?: string;
  readonly show: (result: ProbeResult) => Promise<void>;
}

/** A full report; a failure is that of the command. */
function outputOfOne(options: ProbeOptions, reporter: Reporter): ResultOutput {
  return {
    async show(result) {
      if ("error" in result) return reporter.error(result.error);
      const { report } = result;
      await print(options.json ? `${printableJson(report)}\n` : `${describeReport(report)}\n`);
      if (report.protocol !== "socks") reporter.error(notSocks(report));
    },
  };
}

/** One line for each, whatever came of it: a failure is a result as well. */
function outputOfList(proxies: readonly ProxyUrl[], options: ProbeOptions, reporter: Reporter): ResultOutput {
  if (options.json) return { show: (result) => print(`${printableJson(jsonOf(result))}\n`) };
  if (options.full) {
    const one = outputOfOne(options, reporter);
    return { show: (result) => one.show(result) };
  }
  const table = new SummaryTable(proxies.map((proxy) => formatProxyUrl(proxy)));
  return { head: `${table.head()}\n`, show: (result) => print(`${table.row(result)}\n`) };
}

function jsonOf(result: ProbeResult): unknown {
  if ("report" in result) return result.report;
  const { proxy, error } = result;
  const known = isSocksError(error) ? { code: error.code, stage: error.stage } : {};
  return { proxy, error: { ...known, message: error instanceof Error ? error.message : String(error) } };
}

function notSocks({ proxy, protocol, firstLine, httpProxy }: ProbeReport): CliError {
  const isHttpProxy = httpProxy?.verdict === "yes";
  const kind = isHttpProxy ? "an HTTP proxy (http://)" : protocol === "socks" ? "" : KIND[protocol];
  const line = firstLine === undefined ? "" : `; its first line is "${firstLine}"`;
  return new CliError("ERR_SOCKS_NOT_SOCKS", `${proxy} is no SOCKS proxy: it is ${kind}${line}`);
}

import { styleText } from "node:util";

import type { ProbeFinding, ProbeReport } from "@sockskit/client";

import { METHOD } from "@sockskit/wire";

import { printable } from "../printable.ts";

/** A proxy that was probed, or why it could not be. */
export type ProbeResult =
  | { readonly proxy: string; readonly report: ProbeReport }
  | { readonly proxy: string; readonly error: unknown };

const HEAD = ["speaks", "methods", "names", "ipv6", "udp", "bind", "ms", "what it is"] as const;
const WIDTHS: readonly number[] = [9, 13, 5, 4, 4, 4, 6, 0];

/** A line per proxy, for lists. */
export class SummaryTable {
  readonly #proxyWidth: number;

  /** @param proxies - What stands in the first column. */
  constructor(proxies: readonly string[]) {
    this.#proxyWidth = proxies.reduce((width, proxy) => Math.max(width, proxy.length), "proxy".length);
  }

  /** The names of the columns. */
  head(): string {
    return paint("bold", this.#line("proxy", HEAD));
  }

  /** One proxy. */
  row(result: ProbeResult): string {
    const { proxy } = result;
    if ("error" in result) return paint("red", this.#line(proxy, [...EMPTY, shortReason(result.error)]));
    const { report } = result;
    const { abilities, latency } = report;
    if (report.protocol !== "socks") return paint("red", this.#line(proxy, [...EMPTY, whatElse(report)]));
    return this.#line(proxy, [
      versions(report),
      methods(report),
      short(abilities.remoteDns),
      short(abilities.ipv6),
      short(abilities.udp),
      short(abilities.bind),
      (latency.requestMs ?? latency.negotiateMs ?? latency.connectMs).toFixed(1),
      report.software ?? "",
    ]);
  }

  #line(proxy: string, cells: readonly string[]): string {
    const padded = cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0));
    return [proxy.padEnd(this.#proxyWidth), ...padded].join("  ").trimEnd();
  }
}

/** As the configuration of `sockskitd` calls the methods, where it knows them. */
const SHORT_NAMES: Readonly<Record<number, string>> = {
  0x00: "none",
  0x01: "gssapi",
  0x02: "userpass",
  0x03: "chap",
  0x05: "cram",
  0x06: "ssl",
  0x07: "nds",
  0x08: "maf",
  0x09: "json",
};
const EMPTY: readonly string[] = HEAD.slice(1).map(() => "-");

function versions({ versions: { socks5, socks4, socks4a } }: ProbeReport): string {
  const all = [
    ["5", socks5],
    ["4a", socks4a],
    ["4", socks4],
  ] as const;
  return all
    .flatMap(([name, { verdict }]) => (verdict === "yes" ? [name] : verdict === "unknown" ? [`${name}?`] : []))
    .join(" ");
}

/** GSS-API with what it grants, where that is known. */
function methods({ authMethods, gssapi }: ProbeReport): string {
  const accepted = authMethods.filter(({ accepted }) => accepted === true);
  const names = accepted.map(({ method, name }) => {
    const short = SHORT_NAMES[method] ?? name;
    return method === METHOD.gssapi && gssapi?.protection !== undefined ? `${short}/${gssapi.protection}` : short;
  });
  return names.join(",") || "-";
}

function short({ verdict }: ProbeFinding): string {
  return verdict === "unknown" ? "?" : verdict;
}

function whatElse({ protocol, software, firstLine, httpProxy }: ProbeReport): string {
  if (protocol === "unknown") return "no SOCKS, and nothing else that is known";
  const told = software ?? firstLine;
  const kind = httpProxy?.verdict === "yes" ? "HTTP proxy" : protocol.toUpperCase();
  const name = protocol === "other" ? "no SOCKS" : `no SOCKS: ${kind}`;
  return told === undefined ? name : `${name}, ${printable(told)}`;
}

/** Why a proxy was not reached, without its name: the code of this project, and the system's. */
function shortReason(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown; cause?: { code?: unknown } } };
  const system = cause?.cause?.code ?? cause?.code;
  const own = typeof code === "string" ? code : "failed";
  return typeof system === "string" && system !== own && !system.startsWith("ERR_SOCKS_") ? `${own} (${system})` : own;
}

function paint(style: "bold" | "red", text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

import { styleText } from "node:util";

import type { ProbeAnswer, ProbeFinding, ProbeGssapi, ProbeReport } from "@sockskit/client";
import { repDescription } from "@sockskit/wire";

import { printable } from "../printable.ts";

const VERSIONS = [
  ["socks4", "SOCKS 4"],
  ["socks4a", "SOCKS 4A"],
  ["socks5", "SOCKS 5"],
] as const;
const ABILITIES = [
  ["remoteDns", "resolves names"],
  ["ipv6", "reaches IPv6"],
  ["bind", "listens (BIND)"],
  ["udp", "relays UDP"],
  ["resolve", "looks up (RESOLVE)"],
] as const;
const VERDICT_STYLE = { yes: "green", no: "yellow", unknown: "yellow" } as const;

type Row = readonly [label: string, text: string];

const METHOD_TEXT: Readonly<Record<number, string>> = {
  0x00: "no authentication",
  0x01: "GSS-API",
  0x02: "user name and password",
  0x03: "CHAP",
  0x05: "challenge-response",
  0x06: "TLS",
  0x07: "NDS",
  0x08: "MAF",
  0x09: "JSON parameter block",
};
const SOCKS4_REASON: Readonly<Record<number, string>> = {
  0x5b: "rejected or failed",
  0x5c: "ident server not reachable",
  0x5d: "ident names another user",
};

/** A report as people read it. */
export function describeReport(report: ProbeReport): string {
  const rows: Row[] = [["speaks", speaks(report)]];
  if (report.httpProxy !== undefined) rows.push(["opens tunnels", describeFinding(report.httpProxy)]);
  if (report.software !== undefined) rows.push(["looks like", report.software]);
  if (report.protocol === "socks") {
    for (const [label, finding] of VERSIONS.map(([key, name]) => [name, report.versions[key]] as const)) {
      if (finding.verdict !== "yes") rows.push([label, describeFinding(finding)]);
    }
  }
  if (report.versions.socks5.verdict !== "no" && report.protocol === "socks") {
    rows.push(["methods", methods(report)]);
    if (report.gssapi !== undefined) rows.push(["GSS-API", describeGssapi(report.gssapi)]);
    for (const [key, label] of ABILITIES) rows.push([label, describeFinding(report.abilities[key])]);
  }
  const { socks4, socks5, latency } = report;
  add(rows, "SOCKS 5 CONNECT, IPv4", socks5.connectIpv4, 5);
  add(rows, "SOCKS 5 CONNECT, IPv6", socks5.connectIpv6, 5);
  add(rows, "SOCKS 5 CONNECT, name", socks5.connectName, 5);
  add(rows, "SOCKS 5 BIND", socks5.bind, 5);
  add(rows, "SOCKS 5 UDP ASSOCIATE", socks5.udpAssociate, 5);
  add(rows, "SOCKS 5 RESOLVE", socks5.resolve, 5);
  if (report.protocol === "socks") {
    add(rows, "SOCKS 4 CONNECT", socks4.connect, 4);
    add(rows, "SOCKS 4A CONNECT, name", socks4.connectName, 4);
    add(rows, "SOCKS 4 BIND", socks4.bind, 4);
    rows.push(["CONNECT went to", report.target]);
  }
  const { connectMs, negotiateMs, requestMs } = latency;
  const times: readonly (readonly [string, number | undefined])[] = [
    ["TCP", connectMs],
    ["greeting", negotiateMs],
    ["CONNECT", requestMs],
  ];
  const shown = times.flatMap(([what, ms]) => (ms === undefined ? [] : [`${what} ${formatMs(ms)}`]));
  rows.push(["latency", shown.join(", ")]);
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
  return [paint("bold", report.proxy), ...lines].join("\n");
}

function speaks({ protocol, versions }: ProbeReport): string {
  const text = VERSIONS.flatMap(([key, name]) => (versions[key].verdict === "yes" ? [name] : [])).join(", ");
  if (text !== "") return paint("green", text);
  const other = {
    http: "HTTP",
    tls: "TLS",
    ssh: "SSH",
    other: "another protocol",
    unknown: "nothing known",
    socks: "",
  };
  return paint("red", other[protocol]);
}

function methods({ authMethods, preferredMethod }: ProbeReport): string {
  const accepted = authMethods.filter((method) => method.accepted === true);
  if (accepted.length === 0) return paint("yellow", "none of those that were offered");
  return accepted
    .map(({ method, name }) => {
      const preferred = accepted.length > 1 && method === preferredMethod ? " (preferred)" : "";
      return paint("green", (METHOD_TEXT[method] ?? name) + preferred);
    })
    .join(", ");
}

function describeFinding({ verdict, reason }: ProbeFinding): string {
  return `${paint(VERDICT_STYLE[verdict], verdict)}: ${reason}`;
}

function add(rows: Row[], label: string, answer: ProbeAnswer | undefined, version: 4 | 5): void {
  if (answer !== undefined) rows.push([label, describeAnswer(answer, version)]);
}

function describeAnswer({ outcome, reply = 0, code, elapsedMs }: ProbeAnswer, version: 4 | 5): string {
  const octet = reply.toString(16).padStart(2, "0");
  switch (outcome) {
    case "granted":
      return `${paint("green", "granted")} in ${formatMs(elapsedMs)}`;
    case "refused": {
      const reason = version === 5 ? repDescription(reply) : SOCKS4_REASON[reply];
      return paint("yellow", `refused: ${reason ?? "for a reason without a name"} (${octet})`);
    }
    case "failed":
      return code === "ERR_SOCKS_NOT_SOCKS" ? paint("yellow", "not spoken") : paint("red", `failed: ${code ?? ""}`);
    case "closed":
      return paint("red", "closed the connection");
    case "silent":
      return paint("red", "no answer");
  }
}

function describeGssapi({ outcome, protection = "none", code, message = "", elapsedMs }: ProbeGssapi): string {
  switch (outcome) {
    case "granted": {
      const what = protection === "none" ? "no protection" : protection;
      return `${paint(protection === "none" ? "yellow" : "green", `grants ${what}`)} in ${formatMs(elapsedMs)}`;
    }
    case "failed":
      return paint("yellow", printable(`${message} [${code ?? ""}]`));
    case "closed":
      return paint("red", "closed the connection");
    case "silent":
      return paint("red", "no answer");
  }
}

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function paint(style: "bold" | "green" | "yellow" | "red", text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

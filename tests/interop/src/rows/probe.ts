import type { ProbeAnswer, ProbeReport } from "@sockskit/client";
import { runToEnd } from "../harness/process.ts";
import { expectSame, type Auth, type Row, type RowContext } from "../harness/row.ts";
import type { Tool } from "../harness/tools.ts";
import { ACCOUNT } from "../peers/account.ts";
import { sockskit } from "../peers/sockskit.ts";
import { startTinyproxy } from "../peers/http-proxies.ts";
import { startTor } from "../peers/tor.ts";
import { serverOf, theirServer } from "./their-servers.ts";

/** What `sockskit probe` says of a server, without times: versions, methods it accepts, and every answer. */
interface Findings {
  /** Those that it speaks; with a `?` where nothing shows it. */
  readonly versions: string;
  /** What it is taken for. */
  readonly software: string;
  readonly methods: string;
  readonly socks4: Readonly<Record<string, string>>;
  readonly socks5: Readonly<Record<string, string>>;
}

/** What `sockskit probe` says of each server. */
export const PROBE_ROWS: readonly Row[] = [
  theirs("microsocks", "none", {
    versions: "5",
    software: "microsocks",
    methods: "00",
    socks4: { connect: "failed ERR_SOCKS_NOT_SOCKS" },
    socks5: {
      connectIpv4: "refused 05",
      connectName: "refused 05",
      connectIpv6: "refused 05",
      bind: "refused 07",
      udpAssociate: "refused 07",
      resolve: "refused 07",
    },
  }),
  theirs("microsocks", "password", {
    versions: "5",
    software: "microsocks",
    methods: "02",
    socks4: { connect: "failed ERR_SOCKS_NOT_SOCKS" },
    socks5: {
      connectIpv4: "refused 05",
      connectName: "refused 05",
      connectIpv6: "refused 05",
      bind: "refused 07",
      udpAssociate: "refused 07",
      resolve: "refused 07",
    },
  }),
  theirs("danted", "none", {
    versions: "4 5",
    software: "Dante",
    methods: "00",
    socks4: { connect: "refused 5b", connectName: "refused 5b", bind: "refused 5b" },
    socks5: {
      connectIpv4: "refused 05",
      connectName: "refused 05",
      connectIpv6: "refused 05",
      bind: "refused 02",
      udpAssociate: "granted 00",
      resolve: "closed",
    },
  }),
  theirs("danted", "password", {
    versions: "4 5",
    software: "Dante",
    methods: "02",
    socks4: { connect: "refused 5b", connectName: "refused 5b", bind: "refused 5b" },
    socks5: {
      connectIpv4: "refused 05",
      connectName: "refused 05",
      connectIpv6: "refused 05",
      bind: "refused 02",
      udpAssociate: "granted 00",
      resolve: "closed",
    },
  }),
  // OpenSSH closes without a reply when the target refuses, and is found to speak SOCKS 4 all the same.
  theirs("ssh", "none", {
    versions: "4 4a 5",
    software: "OpenSSH (ssh -D)",
    methods: "00",
    socks4: { connect: "closed", connectName: "closed", bind: "closed" },
    socks5: {
      connectIpv4: "closed",
      connectName: "closed",
      connectIpv6: "closed",
      bind: "closed",
      udpAssociate: "closed",
      resolve: "closed",
    },
  }),
  theirs(
    "ssh",
    "none",
    {
      versions: "4 4a 5",
      software: "OpenSSH (ssh -D)",
      methods: "00",
      socks4: { connect: "granted 5a", connectName: "granted 5a", bind: "closed" },
      socks5: {
        connectIpv4: "granted 00",
        connectName: "granted 00",
        connectIpv6: "granted 00",
        bind: "closed",
        udpAssociate: "closed",
        resolve: "closed",
      },
    },
    "with a target that listens",
  ),
  theirs("npm:@pondwader/socks5-server", "none", {
    versions: "5",
    software: "",
    methods: "00",
    socks4: { connect: "closed" },
    socks5: {
      connectIpv4: "refused 05",
      connectName: "refused 05",
      connectIpv6: "refused 05",
      bind: "refused 07",
      udpAssociate: "refused 07",
      resolve: "closed",
    },
  }),
  {
    tool: "tor",
    role: "server",
    scheme: "any",
    auth: "none",
    check: "probe",
    async run(context) {
      const { port } = await context.server("tor", startTor);
      return probe(context, `127.0.0.1:${port}`, [], {
        versions: "4 4a 5",
        software: "Tor",
        methods: "00 02",
        socks4: { connect: "refused 5b", connectName: "refused 5b", bind: "refused 5b" },
        socks5: {
          connectIpv4: "refused 01",
          connectName: "refused 01",
          connectIpv6: "refused 01",
          bind: "refused 07",
          udpAssociate: "refused 07",
          resolve: "refused 04",
        },
      });
    },
  },
  {
    tool: "tinyproxy",
    role: "server",
    scheme: "any",
    auth: "none",
    check: "probe",
    async run(context) {
      const { port } = await startTinyproxy(context.scope);
      const argv = sockskit("probe", "--json", "--timeout", "1s", `127.0.0.1:${port}`);
      const { stdout, stderr, status } = await runToEnd({ argv, options: { signal: context.signal } });
      const { protocol, software = "", httpProxy } = JSON.parse(stdout.toString("utf8")) as ProbeReport;
      expectSame("protocol", protocol, "http");
      expectSame("tunnels", httpProxy?.verdict ?? "", "yes");
      expectSame("software", software.replace(/[\d.]+$/, "N"), "tinyproxy/N");
      expectSame("status", String(status), "5");
      if (!stderr.includes("ERR_SOCKS_NOT_SOCKS")) expectSame("standard error", stderr, "ERR_SOCKS_NOT_SOCKS");
      return "no SOCKS: an HTTP proxy that calls itself tinyproxy; exit status 5";
    },
  },
];

function theirs(tool: Tool, auth: Auth, expected: Findings, variant = ""): Row {
  const server = serverOf(tool);
  return {
    tool,
    role: "server",
    needs: server.needs,
    scheme: "any",
    auth,
    variant,
    check: "probe",
    async run(context) {
      const { port } = await theirServer(context, { server, auth });
      const account = auth === "password" ? `${ACCOUNT.username}:${ACCOUNT.password}@` : "";
      const target = variant === "" ? [] : ["--target", `localhost:${context.targets.http}`];
      return probe(context, `${account}127.0.0.1:${port}`, target, expected);
    },
  };
}

/** Compares what `probe` says with the literal above; gives it back in words. */
async function probe(
  context: RowContext,
  proxy: string,
  flags: readonly string[],
  expected: Findings,
): Promise<string> {
  const argv = sockskit("probe", "--json", ...flags, proxy);
  const { stdout, stderr } = await runToEnd({ argv, options: { signal: context.signal } });
  expectSame("standard error", stderr, "");
  const report = JSON.parse(stdout.toString("utf8")) as ProbeReport;
  expectSame("findings", JSON.stringify(findings(report), undefined, 1), JSON.stringify(expected, undefined, 1));
  const { versions, software, methods, socks4, socks5 } = expected;
  const guess = software === "" ? "" : ` looks like ${software};`;
  return `SOCKS ${versions};${guess} methods ${methods}; SOCKS 4: ${words(socks4)}; SOCKS 5: ${words(socks5)}`;
}

/** Calls with the same answer together: `connectIpv4, connectName refused 05`. */
function words(answers: Readonly<Record<string, string>>): string {
  const calls = new Map<string, string[]>();
  for (const [call, answer] of Object.entries(answers)) calls.set(answer, [...(calls.get(answer) ?? []), call]);
  return [...calls].map(([answer, names]) => `${names.join(", ")} ${answer}`).join("; ");
}

function findings({ versions, software = "", authMethods, socks4, socks5 }: ProbeReport): Findings {
  const spoken = [
    ["4", versions.socks4],
    ["4a", versions.socks4a],
    ["5", versions.socks5],
  ] as const;
  return {
    versions: spoken
      .filter(([, { verdict }]) => verdict !== "no")
      .map(([name, { verdict }]) => (verdict === "yes" ? name : `${name}?`))
      .join(" "),
    software,
    methods: authMethods
      .filter(({ accepted }) => accepted)
      .map(({ method }) => octet(method))
      .join(" "),
    socks4: answers(socks4),
    socks5: answers(socks5),
  };
}

function answers(all: Readonly<Record<string, ProbeAnswer | undefined>>): Readonly<Record<string, string>> {
  const said = Object.entries(all).map(([name, answer]) => [name, answer === undefined ? "" : describe(answer)]);
  return Object.fromEntries(said) as Record<string, string>;
}

function describe({ outcome, reply, code }: ProbeAnswer): string {
  return [outcome, ...(reply === undefined ? [] : [octet(reply)]), ...(code === undefined ? [] : [code])].join(" ");
}

function octet(value: number): string {
  return value.toString(16).padStart(2, "0");
}

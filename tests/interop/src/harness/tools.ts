import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runToEnd } from "./process.ts";

/** Programs and npm packages that the suite talks to. */
export type Tool =
  | "3proxy"
  | "chromium"
  | "curl"
  | "danted"
  | "hev-socks5-server"
  | "microsocks"
  | "nc.openbsd"
  | "ncat"
  | "nss-wrapper"
  | "proxychains4"
  | "socksify"
  | "sockskitd"
  | "squid"
  | "ssh"
  | "sshd"
  | "stunnel4"
  | "tinyproxy"
  | "tor"
  | "tor-resolve"
  | "torsocks"
  | "npm:socks"
  | "npm:undici"
  | "npm:@pondwader/socks5-server";

interface ToolFacts {
  /** Debian package that brings it. */
  readonly debian?: string;
  /** Arguments that make it print its version. */
  readonly versionArgs?: readonly string[];
  /** Where in that text the version stands. */
  readonly version?: RegExp;
  /** A library instead of a program: how `LD_PRELOAD` finds it. */
  readonly library?: string;
  /** Name in tables. */
  readonly title?: string;
}

const TOOLS: Readonly<Record<Tool, ToolFacts>> = {
  "3proxy": { debian: "3proxy", versionArgs: ["--help"], version: /3proxy-([\d.]+)/ },
  chromium: { debian: "chromium", versionArgs: ["--version"], version: /Chromium ([\d.]+)/, title: "Chromium" },
  curl: { debian: "curl", versionArgs: ["--version"], version: /curl ([\d.]+)/ },
  danted: { debian: "dante-server", versionArgs: ["-v"], version: /Dante v([\d.]*\d)/, title: "Dante" },
  "hev-socks5-server": { versionArgs: ["--version"], version: /Version: ([\d.]+)/ },
  microsocks: { debian: "microsocks" },
  "nc.openbsd": { debian: "netcat-openbsd", title: "netcat-openbsd" },
  ncat: { debian: "ncat", versionArgs: ["--version"], version: /Version ([\w.]+)/, title: "Ncat" },
  "nss-wrapper": { debian: "libnss-wrapper", library: "libnss_wrapper.so" },
  proxychains4: { debian: "proxychains4", title: "proxychains" },
  socksify: { debian: "dante-client", title: "Dante client" },
  ssh: { debian: "openssh-client", versionArgs: ["-V"], version: /OpenSSH_([\w.]+)/, title: "OpenSSH" },
  sshd: { debian: "openssh-server", title: "OpenSSH server" },
  sockskitd: {},
  squid: { debian: "squid", versionArgs: ["-v"], version: /Version ([\d.]+)/, title: "Squid" },
  stunnel4: { debian: "stunnel4", versionArgs: ["-version"], version: /stunnel ([\d.]+)/, title: "stunnel" },
  tinyproxy: { debian: "tinyproxy", versionArgs: ["-v"], version: /tinyproxy ([\d.]+)/ },
  tor: { debian: "tor", versionArgs: ["--version"], version: /Tor version ([\w.]+\d)/, title: "Tor" },
  "tor-resolve": { debian: "tor", title: "tor-resolve" },
  torsocks: { debian: "torsocks" },
  "npm:socks": {},
  "npm:undici": {},
  "npm:@pondwader/socks5-server": {},
};

const require = createRequire(import.meta.url);

/** Full path of a program, also where only an administrator's shell looks; `undefined` when it is missing. */
export function locate(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return undefined;
}

const answers = new Map<Tool, Promise<string | undefined>>();

/** Why a tool cannot be used on this machine, `undefined` when it can. */
export function missing(tool: Tool): Promise<string | undefined> {
  const answer = answers.get(tool) ?? lookUp(tool);
  answers.set(tool, answer);
  return answer;
}

async function lookUp(tool: Tool): Promise<string | undefined> {
  if (tool.startsWith("npm:")) {
    return packageVersion(tool.slice(4)) === undefined ? `npm package ${tool.slice(4)} is not installed` : undefined;
  }
  const facts = TOOLS[tool];
  // Ours is always there.
  if (tool === "sockskitd") return undefined;
  const found = facts.library === undefined ? locate(tool) !== undefined : await canPreload(facts.library);
  const where = facts.debian === undefined ? "no Debian package" : `Debian package ${facts.debian}`;
  return found ? undefined : `${tool} is not installed (${where})`;
}

/** Name and version as tables and vectors write them, for example `curl`, `7.88.1`. */
export async function describeTool(tool: Tool): Promise<{ program: string; version: string }> {
  return { program: toolTitle(tool), version: (await versionOf(tool, TOOLS[tool])) ?? "unknown" };
}

/** Name of a tool in tables. */
export function toolTitle(tool: Tool): string {
  return TOOLS[tool].title ?? tool.replace(/^npm:/, "npm ");
}

async function versionOf(tool: Tool, facts: ToolFacts): Promise<string | undefined> {
  if (tool.startsWith("npm:")) return packageVersion(tool.slice(4));
  const program = locate(tool);
  if (facts.version !== undefined && program !== undefined) {
    const { stdout, stderr } = await runToEnd({ argv: [program, ...(facts.versionArgs ?? [])] });
    const version = facts.version.exec(stdout.toString("utf8") + stderr)?.[1];
    if (version !== undefined) return version;
  }
  if (facts.debian === undefined || locate("dpkg-query") === undefined) return undefined;
  const { stdout, status } = await runToEnd({
    argv: ["dpkg-query", "--show", "--showformat=${Version}", facts.debian],
  });
  return status === 0 ? upstreamVersion(stdout.toString("utf8")) : undefined;
}

/** `1:1.4.2+dfsg-7+b8` is upstream's `1.4.2`. */
function upstreamVersion(debianVersion: string): string {
  return debianVersion
    .replace(/^\d+:/, "")
    .replace(/-[^-]*$/, "")
    .replace(/\+dfsg\d*$/, "");
}

async function canPreload(library: string): Promise<boolean> {
  const { stderr } = await runToEnd({ argv: ["/bin/true"], options: { env: { LD_PRELOAD: library } } });
  return stderr === ""; // the loader warns about a library that it does not find
}

function packageVersion(name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = join(folder, name, "package.json");
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  }
  return undefined;
}

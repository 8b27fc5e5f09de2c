import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { freePort, waitForPort } from "../harness/port.ts";
import { RunningProcess, type ProcessOptions } from "../harness/process.ts";
import type { Scope } from "../harness/scope.ts";
import { locate, type Tool } from "../harness/tools.ts";

/** A SOCKS server of somebody else, running on loopback. */
export interface ServerPeer {
  /** Loopback port of its SOCKS listener. */
  readonly port: number;
  /** Its process; its log explains failures. */
  readonly process: RunningProcess;
}

/** The account that every peer with passwords knows. */
export const ACCOUNT = { username: "alice", password: "s3cret" } as const;

/** Starts a program that listens on `port` and ends it with the scope. */
export async function startServer(
  scope: Scope,
  port: number,
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<ServerPeer> {
  const [program = "", ...args] = argv;
  const running = new RunningProcess(program, args, options).logOutput();
  scope.defer(() => running.stop());
  await waitForPort(running, port);
  return { port, process: running };
}

/** Full path of a program that was found before. */
export function programPath(tool: Tool): string {
  return locate(tool) ?? tool;
}

/** microsocks, with or without a password. */
export async function startMicrosocks(
  scope: Scope,
  options: { readonly password?: boolean } = {},
): Promise<ServerPeer> {
  const port = await freePort();
  const account = options.password === true ? ["-u", ACCOUNT.username, "-P", ACCOUNT.password] : [];
  return startServer(scope, port, [programPath("microsocks"), "-i", "127.0.0.1", "-p", String(port), ...account]);
}

/** What a Dante server of the suite lets through. */
export interface DantedOptions {
  /** Asks for {@link ACCOUNT}; the account exists only for this server, through nss_wrapper. */
  readonly password?: boolean;
  /** Loopback port that its rules deny. */
  readonly deniedPort?: number;
}

/** Dante's server, with a generated configuration. */
export async function startDanted(scope: Scope, options: DantedOptions = {}): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const method = options.password === true ? "username" : "none";
  const file = join(folder, "danted.conf");
  const rules = [
    ...(options.deniedPort === undefined
      ? []
      : [`socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = ${options.deniedPort} }`]),
    `socks pass {\n from: 127.0.0.0/8 to: 0.0.0.0/0\n command: connect udpassociate\n socksmethod: ${method}\n}`,
    `socks pass {\n from: 127.0.0.0/8 to: ::/0\n command: connect\n socksmethod: ${method}\n}`,
    "socks pass {\n from: 0.0.0.0/0 to: 127.0.0.0/8\n command: udpreply\n}",
  ];
  await writeFile(
    file,
    [
      "logoutput: stderr",
      `internal: 127.0.0.1 port = ${port}`,
      "external: lo",
      `socksmethod: ${method}`,
      "clientmethod: none",
      "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }",
      ...rules,
      "",
    ].join("\n"),
  );
  const env = options.password === true ? await accountEnvironment(folder) : {};
  return startServer(scope, port, [programPath("danted"), "-f", file, "-p", join(folder, "pid"), "-N", "1"], { env });
}

/** A user database with {@link ACCOUNT} that only one process sees: Dante checks passwords of system accounts. */
async function accountEnvironment(folder: string): Promise<Record<string, string>> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  // SHA-512 crypt of "s3cret", as in shadow(5)
  const hash = "$6$sockskit$AUSvAg.PBHIP7RfIQEk8kF..VbEjfZAE3BIGE7BYJENTH8dx6HGQKdz.eW2zs0/EVES6pLAMLyESmlRHZhzfI/";
  const files = {
    NSS_WRAPPER_PASSWD: `${ACCOUNT.username}:x:${uid}:${gid}::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n`,
    NSS_WRAPPER_SHADOW: `${ACCOUNT.username}:${hash}:19000:0:99999:7:::\n`,
    NSS_WRAPPER_GROUP: "root:x:0:\nnogroup:x:65534:\n",
  };
  const env: Record<string, string> = { LD_PRELOAD: "libnss_wrapper.so" };
  for (const [variable, text] of Object.entries(files)) {
    env[variable] = join(folder, variable);
    await writeFile(env[variable], text, { mode: 0o600 });
  }
  return env;
}

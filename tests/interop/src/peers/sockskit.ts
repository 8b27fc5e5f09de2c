import { fileURLToPath } from "node:url";
import { RunningProcess, waitForLine } from "../harness/process.ts";
import type { Scope } from "../harness/scope.ts";
import { ACCOUNT } from "./account.ts";
import { lookUpOnce, nameServiceEnvironment } from "./names.ts";
import type { PeerOptions, ServerPeer } from "./server-peer.ts";

const SERVER = fileURLToPath(new URL("../../../../apps/server/bin/sockskitd.js", import.meta.url));
const CLI = fileURLToPath(new URL("../../../../apps/cli/bin/sockskit.js", import.meta.url));

/** Starts `sockskitd` on a free loopback port. */
export async function startSockskitd(scope: Scope, options: PeerOptions = {}): Promise<ServerPeer> {
  const env =
    options.targetName === true ? await nameServiceEnvironment(await scope.temporaryFolder(), { hosts: true }) : {};
  const account = options.password === true ? ["--user", `${ACCOUNT.username}:${ACCOUNT.password}`] : [];
  const argv = [
    process.execPath,
    SERVER,
    "--listen",
    "127.0.0.1:0",
    "--log-level",
    "debug",
    "--log-format",
    "json",
    ...account,
  ];
  const running = new RunningProcess({ argv, options: { env } }).logOutput();
  scope.defer(() => running.stop());
  const line = await waitForLine(running, running.stdout, (text) => text.includes('"msg":"listening"'), 15_000);
  const { port } = JSON.parse(line) as { port: number };
  if (options.targetName === true) await lookUpOnce(port, options.password === true);
  return { port, process: running };
}

/** Program and arguments of a `sockskit` command. */
export function sockskit(...args: readonly string[]): readonly string[] {
  return [process.execPath, CLI, ...args];
}

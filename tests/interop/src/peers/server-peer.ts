import { waitForPort } from "../harness/port.ts";
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

/** How a server peer is set up. */
export interface PeerOptions {
  /** It asks for the account of `account.ts`. */
  readonly password?: boolean;
  /** It resolves the name of `names.ts`, which needs nss_wrapper. */
  readonly targetName?: boolean;
}

/** Starts a program that listens on `port` and ends it with the scope. */
export async function startServer(
  scope: Scope,
  port: number,
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<ServerPeer> {
  const running = new RunningProcess({ argv, options }).logOutput();
  scope.defer(() => running.stop());
  await waitForPort(running, port);
  return { port, process: running };
}

/** Full path of a program that was found before. */
export function programPath(tool: Tool): string {
  return locate(tool) ?? tool;
}

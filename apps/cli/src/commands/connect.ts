import { formatAddress } from "@sockskit/wire";

import type { RouteOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { relay } from "../relay.ts";
import { Reporter } from "../reporter.ts";
import { chooseRoute, openTunnel } from "../route.ts";
import { openStandardOutput } from "../standard-output.ts";
import { parseTarget } from "../target.ts";

/**
 * `sockskit connect`: a tunnel on standard input and output. Each direction ends on its own, so that programs that finish
 * sending before they read the rest work as over a socket.
 */
export async function connect(target: string, options: RouteOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "connect" });
  const destination = parseTarget(target);
  const route = chooseRoute(options, destination);
  const { socket, proxies, elapsedMs } = await openTunnel(route, destination, { options, reporter });
  const name = formatAddress(destination);
  if (options.json) {
    reporter.note("", { type: "connected", destination: name, proxies, elapsedMs: Math.round(elapsedMs) });
  }
  const carried = await relay(socket, process.stdin, openStandardOutput(), name);
  if (options.json) reporter.note("", { type: "closed", ...carried });
  return EXIT_STATUS.success;
}

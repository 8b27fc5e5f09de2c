import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

import { formatAddress } from "@sockskit/wire";

import { CliError, reasonOf } from "../cli-error.ts";
import type { RouteOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { Reporter } from "../reporter.ts";
import { chooseRoute, openTunnel } from "../route.ts";
import { openStandardOutput, outputError } from "../standard-output.ts";
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

/** How much went each way. */
interface Carried {
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Carries octets both ways until both sides have finished. */
function relay(socket: Socket, input: Readable, output: Writable, destination: string): Promise<Carried> {
  return new Promise((resolve, reject) => {
    const carried = { bytesSent: 0, bytesReceived: 0 };
    let failure: CliError | undefined;
    const fail = (error: CliError): void => {
      failure ??= error;
      socket.destroy();
      reject(failure);
    };
    const canEndOutput = output !== process.stdout;
    let isSocketClosed = false;
    let isOutputDone = !canEndOutput;
    const settle = (): void => {
      if (isSocketClosed && isOutputDone && failure === undefined) resolve(carried);
    };
    socket.on("error", (error) => {
      const message = `the connection to ${destination} broke: ${reasonOf(error)}`;
      fail(new CliError("ERR_SOCKS_TUNNEL_BROKEN", message, error));
    });
    output.on("error", (error) => fail(outputError(error)));
    input.on("error", (error) => {
      fail(new CliError("ERR_SOCKS_FILE", `cannot read standard input: ${reasonOf(error)}`, error));
    });
    output.on("close", () => {
      isOutputDone = true;
      settle();
    });
    socket.on("close", () => {
      isSocketClosed = true;
      settle();
    });
    // Nobody at a terminal goes on typing to a destination that has finished.
    if (process.stdin.isTTY) socket.on("end", () => socket.end());
    // Counted here: the socket's own figures include the handshakes.
    input.on("data", (part: Buffer) => (carried.bytesSent += part.length));
    socket.on("data", (part: Buffer) => (carried.bytesReceived += part.length));
    input.pipe(socket);
    socket.pipe(output, { end: canEndOutput });
  });
}

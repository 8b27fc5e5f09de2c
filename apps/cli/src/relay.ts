import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

import { CliError, reasonOf } from "./cli-error.ts";
import { outputError } from "./standard-output.ts";

/** How much went each way. */
export interface Carried {
  /** Octets sent to the destination. */
  readonly bytesSent: number;
  /** Octets that came from it. */
  readonly bytesReceived: number;
}

/**
 * Carries octets both ways until both sides have finished.
 *
 * @param destination - What messages call the other end.
 * @throws CliError `ERR_SOCKS_TUNNEL_BROKEN`, `ERR_SOCKS_FILE`, `ERR_SOCKS_BROKEN_PIPE`.
 */
export function relay(socket: Socket, input: Readable, output: Writable, destination: string): Promise<Carried> {
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

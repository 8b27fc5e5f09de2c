import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";

import { CliError } from "./cli-error.ts";

/**
 * Standard output as a stream that can be ended. `process.stdout` cannot: whoever reads a pipe from this program would not
 * learn that the destination has finished before the process is gone.
 */
export function openStandardOutput(): Writable {
  const stats = fstatSync(1);
  if (!stats.isFIFO() && !stats.isSocket()) return process.stdout;
  return new Socket({ fd: 1, readable: false, writable: true, allowHalfOpen: true });
}

let isPrinting = false;

/** Writes a result, and waits until it is out. */
export function print(text: string): Promise<void> {
  // A failure comes to the callback and as an event. Not attached earlier: nobody may touch `process.stdout` whose
  // descriptor belongs to {@link openStandardOutput}.
  if (!isPrinting) process.stdout.on("error", () => undefined);
  isPrinting = true;
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) =>
      error === null || error === undefined ? resolve() : reject(outputError(error)),
    );
  });
}

/** What a failed write to standard output means. */
export function outputError(error: Error): CliError {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE"
    ? new CliError("ERR_SOCKS_BROKEN_PIPE", "nobody reads standard output any more", error)
    : new CliError("ERR_SOCKS_FILE", `cannot write to standard output: ${code ?? error.message}`, error);
}

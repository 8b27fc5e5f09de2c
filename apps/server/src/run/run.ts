import { setFlagsFromString } from "node:v8";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { hideUsers } from "./process-title.ts";

/** Exit status after being asked to stop. */
const STOPPED = 0;
/** Exit status after a failure while running. */
const FAILED = 1;
/** How long what nobody waits for any more, such as a look-up, may hold up the end. */
const END_DEADLINE_MS = 500;

/**
 * `sockskitd`: serves until a signal says otherwise.
 *
 * @returns The exit status.
 * @throws What {@link Daemon.start} throws.
 */
export async function run(options: DaemonOptions): Promise<number> {
  hideUsers(options.flags);
  // Signals are heard from the first moment: one that arrives while it starts counts when it has started.
  const starting = Daemon.start(options);
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    let isAsked = false;
    const stop = (signal: NodeJS.Signals): void => {
      // Whoever asks twice does not want to wait.
      if (isAsked) process.exit(STOPPED);
      isAsked = true;
      resolve(signal);
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
  });
  process.on("SIGHUP", () => void starting.then((daemon) => daemon.reload("SIGHUP"), ignore));
  const daemon = await starting;
  const fail = (error: unknown): void => void daemon.fail(error).then(() => process.exit(FAILED));
  process.on("uncaughtException", fail).on("unhandledRejection", fail);

  const signal = await asked;
  stopCompiling();
  await daemon.stop(signal);
  setTimeout(() => process.exit(STOPPED), END_DEADLINE_MS).unref();
  return STOPPED;
}

/**
 * Node waits at its exit for functions that are being compiled in the background, and such a compilation may wait for the main
 * thread to collect garbage: then neither ends (https://github.com/nodejs/node/issues/54918). What is under way now is done
 * long before the last session has ended.
 */
function stopCompiling(): void {
  for (const flag of ["--no-opt", "--no-maglev", "--no-concurrent-sparkplug"]) setFlagsFromString(flag);
}

function ignore(): void {
  // Why it did not start is said elsewhere.
}

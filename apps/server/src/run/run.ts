import type { DaemonOptions } from "./daemon.ts";
import { Daemon } from "./daemon.ts";
import { hideUsers } from "./process-title.ts";

/** Exit status after being asked to stop. */
const STOPPED = 0;
/** Exit status after a failure while running. */
const FAILED = 1;

/**
 * `sockskitd`: serves until a signal says otherwise.
 *
 * @returns The exit status.
 * @throws What {@link Daemon.start} throws.
 */
export async function run(options: DaemonOptions): Promise<number> {
  hideUsers(options.flags);
  const daemon = await Daemon.start(options);
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      // Whoever asks twice does not want to wait.
      if (isStopping) process.exit(STOPPED);
      isStopping = true;
      void daemon.stop(signal).then(() => resolve(STOPPED));
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    process.on("SIGHUP", () => void daemon.reload("SIGHUP"));
    const fail = (error: unknown): void => void daemon.fail(error).then(() => process.exit(FAILED));
    process.on("uncaughtException", fail);
    process.on("unhandledRejection", fail);
  });
}

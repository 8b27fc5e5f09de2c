import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";

/** What is being compiled in the background takes less. */
const SETTLE_MS = 20;

/**
 * Ends the process with an exit status. Node waits at its exit for functions that are being compiled in the background, and
 * such a compilation may itself wait for the main thread to collect garbage: both then wait for ever
 * (https://github.com/nodejs/node/issues/54918). So none is begun any more, and those under way get the time to finish while
 * the main thread is still there.
 */
export async function endProcess(status: number): Promise<never> {
  for (const flag of ["--no-opt", "--no-maglev", "--no-concurrent-sparkplug"]) setFlagsFromString(flag);
  await sleep(SETTLE_MS);
  process.exit(status);
}

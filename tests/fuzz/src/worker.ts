// Runs one target after the other, as it is told.
import { parentPort } from "node:worker_threads";
import { probe, type Finding } from "./fuzz.ts";
import { allTargets } from "./targets.ts";

/** What a worker is told to do. */
export interface Job {
  /** Name of the target. */
  readonly name: string;
  /** Seed of the first input; each input has the next one. */
  readonly seed: number;
  /** How many inputs. */
  readonly executions: number;
}

/** What came of a {@link Job}. */
export interface Result {
  /** The one it belongs to. */
  readonly job: Job;
  /** How many inputs were tried. */
  readonly inputs: number;
  /** The input that broke an invariant, when one did; the error as text. */
  readonly finding: (Omit<Finding, "error"> & { readonly error: string }) | undefined;
}

const targets = new Map(allTargets().map((target) => [target.name, target]));

parentPort?.on("message", (job: Job) => void run(job));

async function run(job: Job): Promise<void> {
  // Most inputs end in an error, and the trace of its stack costs more than all the rest. The one that repeats a finding has it.
  if (job.executions > 1) Error.stackTraceLimit = 0;
  const target = targets.get(job.name);
  if (target === undefined) throw new RangeError(`no target ${job.name}`);
  let finding: Finding | undefined;
  let inputs = 0;
  for (; inputs < job.executions && finding === undefined; inputs += 1) {
    finding = await probe(target, job.seed + inputs);
  }
  await target.close?.();
  const found = finding && { ...finding, error: finding.error instanceof Error ? finding.error.stack : finding.error };
  parentPort?.postMessage({ job, inputs, finding: found });
}

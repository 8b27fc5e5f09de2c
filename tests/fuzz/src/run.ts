// Sends changed vectors to everything that reads octets of strangers: each target gets as many inputs as asked for.
// `npm run fuzz -- [--executions 200000] [--seed N] [--target NAME]`. Ends with "N passed, N failed": targets.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { allTargets } from "./targets.ts";
import type { Job, Result } from "./worker.ts";

const { values } = parseArgs({
  options: {
    executions: { type: "string", default: "200000" },
    seed: { type: "string" },
    target: { type: "string" },
  },
});
const executions = Number(values.executions);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(executions) || executions < 1 || !Number.isSafeInteger(seed)) {
  console.error("fuzz: --executions takes a whole number above 0, --seed a whole number");
  process.exit(2);
}
const all = allTargets().map(({ name }) => name);
const names = all.filter((name) => values.target === undefined || name === values.target);
if (names.length === 0) {
  console.error(`fuzz: no target "${values.target}"; expected one of ${all.join(", ")}`);
  process.exit(2);
}

console.log(`seed ${seed}, ${names.length} targets, ${executions} inputs each`);
const jobs: Job[] = names.map((name) => ({ name, seed, executions }));
let failed = 0;

function report({ job, inputs, finding }: Result, startedAt: number): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${finding === undefined ? "ok    " : "FAILED"} ${job.name}: ${inputs} inputs, ${seconds} s`);
  if (finding === undefined) return;
  failed += 1;
  console.log(`  again: npm run fuzz -- --target "${finding.target}" --seed ${finding.seed} --executions 1`);
  console.log(`  input: ${finding.input}`);
  console.log(finding.error);
}

/** One thread, which takes jobs until there are none. */
function drain(): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url));
    let startedAt = 0;
    const next = (): void => {
      const job = jobs.shift();
      startedAt = performance.now();
      if (job === undefined) void worker.terminate();
      else worker.postMessage(job);
    };
    worker.on("message", (result: Result) => {
      report(result, startedAt);
      next();
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
    next();
  });
}

await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, drain));
console.log(`${names.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

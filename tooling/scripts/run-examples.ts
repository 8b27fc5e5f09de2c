// Runs every example: each folder of examples/ has a main.ts that checks its own result and exits with 0.
// `npm run examples`. Ends with "N passed, N failed".
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const PATIENCE_MS = 60_000;

const folder = resolve(import.meta.dirname, "../../examples");
const names = readdirSync(folder).toSorted();
let failed = 0;
for (const name of names) {
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(folder, name, "main.ts")], {
    encoding: "utf8",
    timeout: PATIENCE_MS,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const good = status === 0;
  if (!good) failed += 1;
  console.log(`${good ? "ok    " : "FAILED"} ${name} (${Math.round(performance.now() - started)} ms)`);
  if (!good) console.log(`${stdout}${stderr}ended with ${status ?? signal}`);
}
console.log(`${names.length - failed} passed, ${failed} failed`);
if (failed > 0 || names.length === 0) process.exitCode = 1;

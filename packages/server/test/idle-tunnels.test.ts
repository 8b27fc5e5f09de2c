import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Two connections for each of 5,000 tunnels, and what a process has anyway. */
const DESCRIPTORS = 10_300;
const LIMIT_BYTES = 220_000_000;

const run = promisify(execFile);
const command = `ulimit -n ${DESCRIPTORS} && exec "$0" "$1"`;
const isAllowed = await run("/bin/sh", ["-c", command, "true"]).then(
  () => process.platform === "linux",
  () => false,
);
const why = isAllowed
  ? ""
  : ` (not run: this system does not give a process ${DESCRIPTORS} descriptors, or is not Linux)`;

test.runIf(isAllowed)(`5,000 idle tunnels fit in 220 MB${why}`, { timeout: 120_000 }, async () => {
  const script = resolve(import.meta.dirname, "../bench/idle-tunnels.ts");
  const { stdout } = await run("/bin/sh", ["-c", command, process.execPath, script]);
  const { tunnels, rssMib } = JSON.parse(stdout) as { tunnels: number; rssMib: number };
  expect(tunnels).toBe(5_000);
  expect(rssMib * 2 ** 20).toBeLessThan(LIMIT_BYTES);
});

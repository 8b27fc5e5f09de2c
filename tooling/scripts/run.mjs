// Runs a job of this repository from a fresh clone: `node tooling/scripts/run.mjs JOB [ARGUMENTS]`.
// It starts on the machine's own Node (20 or newer, plain JavaScript, no dependency), installs with
// the pinned pnpm when the lockfile or a manifest changed, builds what changed, and then runs the job
// on the repository's own Node.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const stamp = join(root, "node_modules", ".sockskit-install");

const jobs = {
  build: [],
  start: ["node", "apps/server/bin/sockskitd.js"],
  test: ["vitest", "run"],
  interop: ["node", "tests/interop/src/run.ts"],
  bench: ["node", "tests/bench/src/run.ts"],
};

const [job = "", ...rest] = process.argv.slice(2);
if (!Object.hasOwn(jobs, job)) {
  console.error(`run.mjs: unknown job "${job}"; expected one of ${Object.keys(jobs).join(", ")}`);
  process.exit(2);
}

install();
build();
const [command, ...fixed] = jobs[job];
if (command !== undefined) runJob(command, [...fixed, ...rest]);

function install() {
  const wanted = installKey();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  console.error(`sockskit: installing dependencies (${packageManager})`);
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  must("install", npx, ["--yes", packageManager, "install", "--frozen-lockfile", "--reporter=append-only"], process.env, true);
  writeFileSync(stamp, wanted);
}

// Everything that decides what an install yields: the lockfile, the workspace file, every manifest.
function installKey() {
  const hash = createHash("sha256");
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"];
  for (const group of ["packages", "apps", "tests", "examples", "tooling"]) {
    if (!existsSync(join(root, group))) continue;
    for (const name of readdirSync(join(root, group)).sort()) files.push(join(group, name, "package.json"));
  }
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function build() {
  mkdirSync(join(root, "node_modules", ".cache"), { recursive: true });
  must("build", join(bin, "turbo"), ["run", "build", "--output-logs=errors-only", "--log-prefix=none"], ownNodeFirst(), false);
}

// Output of the preparation goes to standard error: standard output belongs to the job.
function must(what, command, args, env, loud) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: { ...env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_UPDATE_NOTIFIER: "1", npm_config_update_notifier: "false" },
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    shell: process.platform === "win32",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (done.status === 0) return;
  process.stderr.write(loud || done.status !== 0 ? `${done.stdout ?? ""}${done.stderr ?? ""}` : "");
  const why = done.error === undefined ? `exit status ${done.status ?? done.signal}` : done.error.message;
  console.error(`sockskit: ${what} failed (${why}); the output above says where`);
  process.exit(1);
}

function ownNodeFirst() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
}

function runJob(command, args) {
  const child = spawn(join(bin, command), args, {
    cwd: root,
    env: ownNodeFirst(),
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  // A service manager signals only this process, so the job is told. A terminal signals the whole group:
  // passing its SIGINT on would be a second one, which ends a draining server at once.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`sockskit: cannot start ${command}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

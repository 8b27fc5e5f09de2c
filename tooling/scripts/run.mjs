// Runs a command in this repository, also in a fresh clone:
//
//     node tooling/scripts/run.mjs [--no-build] [COMMAND [ARGUMENTS]]
//
// It starts on the machine's own Node (20 or newer, plain JavaScript, no dependency), installs with the
// pinned pnpm when the lockfile or a manifest changed, builds what changed, and then runs COMMAND from
// `node_modules/.bin` on the repository's own Node. What it prints itself goes to standard error:
// standard output belongs to the command.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const QUIET_BUILD_MS = 2000;
const NPM_WATCH_MS = 500;

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const stamp = join(root, "node_modules", ".sockskit-install");
const windows = process.platform === "win32";

let child;
let stopSignal;
const startedOnTerminal = inForegroundOfTerminal();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => passOn(signal));
if (process.env["npm_lifecycle_event"] !== undefined) watchNpm();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (stopSignal === undefined) console.error(`sockskit: ${error.message}`);
  process.exitCode = stopSignal === undefined ? 1 : 128 + constants.signals[stopSignal];
}

async function main(args) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new Error(`Node ${OLDEST_NODE} or newer is needed to start; this is ${process.version}`);
  }
  const noBuild = args[0] === "--no-build";
  const [command, ...rest] = noBuild ? args.slice(1) : args;
  await install();
  if (!noBuild) await build();
  if (command === undefined) return 0;
  return await run(join(bin, command), rest, { env: ownNodeFirst(), stdio: "inherit" });
}

async function install() {
  const wanted = installKey();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  console.error(`sockskit: installing the dependencies with ${packageManager}; this happens once`);
  const flags = ["install", "--frozen-lockfile", "--config.confirm-modules-purge=false", "--reporter=append-only"];
  const [npx, ...npxFlags] = npmExec();
  const status = await run(npx, [...npxFlags, packageManager, ...flags], { stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    throw new Error(`the dependencies could not be installed (exit status ${status}); the lines above say why.
  Is the npm registry out of reach? Look at "npm config get registry" and, behind a proxy, at
  "npm config get https-proxy"; then run the same command again: what has arrived is kept.
  Did you change a package.json? "npx ${packageManager} install" brings pnpm-lock.yaml up to date.`);
  }
  writeFileSync(stamp, wanted);
}

// npm tells its scripts where it is. Without it the npx on the PATH has to do. Under "npm --silent" it
// would also keep its errors to itself, and by default it tries a dead registry for more than a minute.
function npmExec() {
  const flags = ["--yes", "--loglevel=error", "--fetch-retry-maxtimeout=20000"];
  const npm = process.env["npm_execpath"] ?? "";
  if (basename(npm) === "npm-cli.js") return [process.execPath, npm, "exec", ...flags, "--"];
  return ["npx", ...flags];
}

// Everything that decides what an install yields: the machine's kind, the lockfile, the workspace file,
// every manifest.
function installKey() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\0`);
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

// Quiet while nothing is to be built, which is the usual case; the compiler's own words when it fails.
async function build() {
  const notice = setTimeout(() => console.error("sockskit: building what changed"), QUIET_BUILD_MS);
  const output = [];
  const status = await run(join(bin, "turbo"), ["run", "build", "--output-logs=errors-only", "--log-prefix=none"], {
    env: { ...ownNodeFirst(), TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    onOutput: (chunk) => output.push(chunk),
  });
  clearTimeout(notice);
  if (status === 0) return;
  process.stderr.write(Buffer.concat(output));
  throw new Error(`the build failed (exit status ${status}); the lines above say where`);
}

function ownNodeFirst() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
}

// The exit status of the command, as a shell would report it.
async function run(command, args, { onOutput, ...options }) {
  if (stopSignal !== undefined) throw new Error(`stopped by ${stopSignal}`);
  return await new Promise((settle, fail) => {
    const [file, words] = windows ? [quote(command), args.map(quote)] : [command, args];
    child = spawn(file, words, { cwd: root, env: process.env, shell: windows, ...options });
    child.stdout?.on("data", onOutput);
    child.stderr?.on("data", onOutput);
    child.on("error", (error) => fail(new Error(`cannot start ${command}: ${error.message}`)));
    child.on("close", (code, signal) => settle(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function quote(word) {
  return /^[\w./:=@^-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`;
}

// A service manager or npm signals only this process, so the command is told. A terminal's Ctrl-C has
// reached the command already: a second SIGINT would end a draining server at once. The SIGHUP of a
// terminal that went away means "stop"; any other one means "reload".
function passOn(signal) {
  const hangUp = signal === "SIGHUP" && startedOnTerminal;
  if (signal !== "SIGHUP" || hangUp) stopSignal = signal;
  if (signal === "SIGINT" && inForegroundOfTerminal()) return;
  child?.kill(hangUp ? "SIGTERM" : signal);
}

// npm runs its scripts through a shell. A SIGTERM for npm ends npm and that shell, and nobody tells us:
// without this a killed "npm start" would leave a server behind.
function watchNpm() {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    if (stopSignal === undefined) passOn("SIGTERM");
  }, NPM_WATCH_MS);
  watch.unref();
}

function inForegroundOfTerminal() {
  if (process.platform !== "linux") return [process.stdin, process.stdout, process.stderr].some((s) => s.isTTY);
  // proc(5): "pid (name) state ppid pgrp session tty_nr tpgid ..."; the name may hold anything.
  const [, , pgrp, , terminal, foreground] = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1).split(" ");
  return terminal !== "0" && pgrp === foreground;
}

// The promise of the README: `npm start` works, a second start has nothing left to do before the server
// itself, and a signal ends it in good order. `npm run start:check`.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { delimiter, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** Start-up of the server included, which has a promise of its own. */
const LONGEST_SECOND_START_MS = 3000;
const PATIENCE_MS = 60_000;

const root = resolve(import.meta.dirname, "../..");
const alarm = setTimeout(() => fail(`not done after ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
let child: ChildProcess | undefined;

await startOnce();
const second = await startOnce();
if (second > LONGEST_SECOND_START_MS) fail(`the second start took ${second} ms; at most ${LONGEST_SECOND_START_MS}`);
console.log(`the second start took ${second} ms`);
clearTimeout(alarm);

// Milliseconds until the server listens.
async function startOnce(): Promise<number> {
  const started = performance.now();
  // As a person does it: the machine's own npm and Node, whatever runs this script.
  const own = resolve(root, "node_modules");
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.startsWith(own));
  child = spawn("npm", ["--silent", "start", "--", "--listen", "127.0.0.1:0"], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  ended.then(
    ([code, signal]) => child !== undefined && fail(`npm start ended by itself (${code ?? signal})`),
    (error: unknown) => fail(String(error)),
  );
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  const took = Math.round(performance.now() - started);
  const { msg, address, port } = JSON.parse(line) as { msg: string; address: string; port: number };
  if (msg !== "listening") fail(`the first line on standard output is ${line}`);
  await greet(address, port);

  // npm itself ends at once; the server drains, with nothing open to wait for.
  const running = child;
  child = undefined;
  running.kill("SIGTERM");
  await ended;
  while (await isOpen(address, port)) await sleep(50);
  return took;
}

async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  return once(socket, "connect").then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

async function greet(host: string, port: number): Promise<void> {
  const socket = connect(port, host);
  socket.write(Uint8Array.of(0x05, 0x01, 0x00));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  if (answer.toString("hex") !== "0500") fail(`the server answered ${answer.toString("hex")} to a greeting`);
}

function fail(message: string): never {
  console.error(message);
  child?.kill("SIGKILL");
  process.exit(1);
}

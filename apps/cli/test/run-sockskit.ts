import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const EXECUTABLE = fileURLToPath(new URL("../bin/sockskit.js", import.meta.url));
/** Far more than any command of these tests needs. */
const DEADLINE_MS = 15_000;

/** A running `sockskit`. */
export type Sockskit = ChildProcessByStdio<Writable, Readable, Readable>;

/** How a run ended. */
export interface Outcome {
  /** Exit status; `null` when a signal ended it. */
  readonly status: number | null;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** What a run is given. */
export interface RunOptions {
  /** Environment beside `PATH`: nothing of the surroundings leaks in. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string | Uint8Array;
}

const running = new Set<Sockskit>();

/** Starts the real executable. {@link stopAll} ends what a failed test leaves behind. */
export function start(args: readonly string[], options: RunOptions = {}): Sockskit {
  const env = { PATH: process.env["PATH"] ?? "", ...options.env };
  const child = spawn(process.execPath, [EXECUTABLE, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  child.stdin.on("error", () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  return child;
}

/** Runs it to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, { input: "", ...options });
  return finish(child);
}

/** Waits for the end of a run and collects what is still to come of its output. */
export async function finish(child: Sockskit): Promise<Outcome> {
  const [stdout, stderr, [status]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    once(child, "close", { signal: AbortSignal.timeout(DEADLINE_MS) }) as Promise<[number | null]>,
  ]);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Everything of a stream. */
export async function collect(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  if (!stream.readableEnded) await once(stream, "end", { signal: AbortSignal.timeout(DEADLINE_MS) });
  return Buffer.concat(parts);
}

/** The first line of a stream, which goes on flowing. */
export async function firstLine(stream: Readable): Promise<string> {
  let text = "";
  const signal = AbortSignal.timeout(DEADLINE_MS);
  while (!text.includes("\n")) {
    const [part] = (await once(stream, "data", { signal })) as [Buffer];
    text += part.toString();
  }
  return text.slice(0, text.indexOf("\n"));
}

/** Ends every run that is still going on. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }),
  );
}

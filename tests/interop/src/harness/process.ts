import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Readable, Writable } from "node:stream";

/** How a program ended. */
export interface Ending {
  /** Exit status, `null` when a signal ended it. */
  readonly status: number | null;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null;
}

/** What a finished program left behind. */
export interface Finished extends Ending {
  /** Everything it wrote to standard output. */
  readonly stdout: Buffer;
  /** Everything it wrote to standard error, as text. */
  readonly stderr: string;
}

/** Where and how a program runs. */
export interface ProcessOptions {
  /** Working directory. */
  readonly cwd?: string;
  /** Environment added to the current one; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends the program and everything it started. */
  readonly signal?: AbortSignal;
}

/** What to start. */
export interface Command {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** Where and how it runs. */
  readonly options?: ProcessOptions;
}

/** Longest log kept of a running program, in bytes; the oldest go first. */
const LOG_LIMIT: number = 256 * 1024;

/** A program cannot be started, or did not do in time what it was started for. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/** A running program, alone in a process group so that its children end with it. */
export class RunningProcess {
  /** What was started, for messages. */
  readonly command: string;
  /** Settles when the program has ended and its output was read. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #log: Buffer[] = [];
  #logLength = 0;
  #droppedLength = 0;
  #ending: Ending | undefined;
  #failure: Error | undefined;

  constructor({ argv, options = {} }: Command) {
    const [program = "", ...args] = argv;
    this.command = argv.join(" ");
    this.#child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#failure = error;
        resolve((this.#ending = { status: null, signal: null }));
      });
      this.#child.once("close", (status, signal) => resolve((this.#ending = { status, signal })));
    });
    this.stdin.on("error", () => {}); // EPIPE: the program does not read; its exit status tells
    this.stderr.on("data", (chunk: Buffer) => this.#keep(chunk));
    const abort = (): void => void this.stop(0);
    options.signal?.addEventListener("abort", abort, { once: true });
    void this.ended.then(() => options.signal?.removeEventListener("abort", abort));
    if (options.signal?.aborted === true) abort();
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Standard input of the program. */
  get stdin(): Writable {
    return this.#child.stdin as Writable;
  }

  /** Standard output of the program. Whoever starts it reads it, or calls {@link logOutput}. */
  get stdout(): Readable {
    return this.#child.stdout as Readable;
  }

  /** Standard error of the program. */
  get stderr(): Readable {
    return this.#child.stderr as Readable;
  }

  /** How it ended, `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Why it could not be started. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The newest of what it logged. */
  get log(): string {
    return this.logSince(0);
  }

  /** Number of bytes it has logged so far. */
  get loggedLength(): number {
    return this.#droppedLength + this.#logLength;
  }

  /** What it logged after a moment at which {@link loggedLength} was `from`. */
  logSince(from: number): string {
    return Buffer.concat(this.#log)
      .subarray(Math.max(0, from - this.#droppedLength))
      .toString("utf8");
  }

  /** Keeps standard output in the log as well. */
  logOutput(): this {
    this.stdout.on("data", (chunk: Buffer) => this.#keep(chunk));
    return this;
  }

  /** Ends the program and what it started: asks, waits `graceMs`, then insists. */
  async stop(graceMs = 2000): Promise<Ending> {
    if (graceMs > 0) {
      this.#signalGroup("SIGTERM");
      await Promise.race([this.ended, delay(graceMs)]);
    }
    this.#signalGroup("SIGKILL"); // also children that outlived a leader which ended by itself
    return this.ended;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // ESRCH: nobody is left
    }
  }

  #keep(chunk: Buffer): void {
    this.#log.push(chunk);
    this.#logLength += chunk.length;
    while (this.#logLength > LOG_LIMIT && this.#log.length > 1) {
      const dropped = this.#log.shift()?.length ?? 0;
      this.#logLength -= dropped;
      this.#droppedLength += dropped;
    }
  }
}

/** Input and limits of {@link runToEnd}. */
export interface RunOptions {
  /** What it reads; standard input ends after it. */
  readonly input?: string | Uint8Array;
  /** Milliseconds it may take; default 20,000. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end.
 *
 * @throws ProcessError when it cannot be started or runs longer than `timeoutMs`.
 */
export async function runToEnd(command: Command, options: RunOptions = {}): Promise<Finished> {
  const running = new RunningProcess(command);
  const chunks: Buffer[] = [];
  running.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  running.stdin.end(options.input ?? "");
  const timeoutMs = options.timeoutMs ?? 20_000;
  const ending = await withDeadline(running.ended, timeoutMs);
  if (ending === undefined) {
    await running.stop(0);
    throw new ProcessError(`${running.command}: still running after ${timeoutMs} ms\n${running.log}`);
  }
  if (running.failure !== undefined) {
    throw new ProcessError(`${running.command}: cannot start: ${running.failure.message}`);
  }
  return { ...ending, stdout: Buffer.concat(chunks), stderr: running.log };
}

/** The value of `promise`, or `undefined` when it takes longer than `timeoutMs`. */
export async function withDeadline<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, delay(timeoutMs, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

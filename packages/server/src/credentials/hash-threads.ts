import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ServerError } from "../errors.ts";
import type { HashRequest } from "./hash-thread.ts";
import type { PasswordHash } from "./password-hash.ts";

/** Runs from `dist/` and, in tests, from `src/`. */
const ENTRY: URL = new URL(import.meta.url.endsWith(".ts") ? "./hash-thread.ts" : "./hash-thread.js", import.meta.url);

interface Thread {
  readonly worker: Worker;
  /** The job that runs on it now. */
  job: { resolve(matched: boolean): void; reject(error: unknown): void } | undefined;
}

/**
 * Threads that compute password hashes, one hash at a time each.
 *
 * They are threads of their own, not libuv's pool: name look-ups and files live in that one, and a flood of
 * passwords must not hold them up. A thread starts when it is first needed, is kept for `idleMs` after its
 * last job and does not keep the process alive while it has none.
 */
export class HashThreads {
  readonly #size: number;
  readonly #idleMs: number;
  readonly #threads = new Set<Thread>();
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: { readonly size: number; readonly idleMs: number }) {
    this.#size = options.size;
    this.#idleMs = options.idleMs;
  }

  /** Whether a job can start now. */
  get hasRoom(): boolean {
    return this.#busyCount() < this.#size;
  }

  /**
   * Whether `password` has this hash. Call it only while {@link hasRoom}. The password is copied.
   * Rejects when the thread cannot be started or dies.
   */
  check(hash: PasswordHash, password: Uint8Array): Promise<boolean> {
    clearTimeout(this.#idleTimer);
    return new Promise((resolve, reject) => {
      const thread = this.#idleThread() ?? this.#start();
      const request: HashRequest = { hash, password: new Uint8Array(password) };
      thread.worker.postMessage(request, [request.password.buffer as ArrayBuffer]);
      thread.worker.ref();
      thread.job = { resolve, reject };
    });
  }

  /** Ends every thread as soon as it has no job. Resolves when all are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    await Promise.all(
      Array.from(this.#threads, async ({ worker, job }) => {
        if (job === undefined) await worker.terminate();
        else await once(worker, "exit");
      }),
    );
  }

  #busyCount(): number {
    let count = 0;
    for (const thread of this.#threads) if (thread.job !== undefined) count += 1;
    return count;
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread;
    return undefined;
  }

  #start(): Thread {
    // No environment, no inherited flags: the thread needs nothing of the program around it.
    const worker = new Worker(ENTRY, {
      name: "sockskit-hash",
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    const thread: Thread = { worker, job: undefined };
    this.#threads.add(thread);
    worker.on("message", (matched: boolean) => this.#finish(thread, (job) => job.resolve(matched)));
    const fail = (error: unknown): void => {
      this.#threads.delete(thread);
      this.#finish(thread, (job) => job.reject(error));
    };
    worker.on("error", fail);
    worker.on("exit", () =>
      fail(new ServerError("ERR_SOCKS_SESSION_FAILED", "the hashing thread ended before it answered")),
    );
    return thread;
  }

  #finish(thread: Thread, settle: (job: NonNullable<Thread["job"]>) => void): void {
    const job = thread.job;
    thread.job = undefined;
    thread.worker.unref();
    if (job !== undefined) settle(job);
    if (this.#closed) void thread.worker.terminate();
    if (this.#busyCount() === 0) this.#armIdleTimer();
  }

  #armIdleTimer(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const thread of this.#threads) {
        // At once, so that no job is given to a thread that is ending.
        this.#threads.delete(thread);
        void thread.worker.terminate();
      }
    }, this.#idleMs).unref();
  }
}

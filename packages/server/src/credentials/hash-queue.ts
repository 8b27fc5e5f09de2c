import { HashThreads } from "./hash-threads.ts";
import type { PasswordHash } from "./password-hash.ts";

/** What became of a job: `busy` and `cancelled` jobs were not computed. */
export type HashOutcome = "match" | "mismatch" | "busy" | "cancelled";

/** A password to check. */
export interface HashJob {
  /** Who asks; turns are taken between these. */
  readonly client: string;
  readonly hash: PasswordHash;
  readonly password: Uint8Array;
  /** Asked right before the computation: nobody waits for the answer any more. */
  readonly cancelled: () => boolean;
}

interface QueuedJob extends HashJob {
  readonly resolve: (outcome: HashOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A bounded queue in front of the hashing threads, fair between clients.
 *
 * Clients take turns, one job each. When the queue is full, a newcomer takes the place of the last job of the
 * client that has most of them waiting, unless that is the newcomer itself: who floods, waits and is refused alone.
 */
export class HashQueue {
  readonly #threads: HashThreads;
  readonly #limit: number;
  readonly #waiting = new Map<string, QueuedJob[]>();
  readonly #open = new Set<Promise<HashOutcome>>();
  #length = 0;
  #computed = 0;
  #refused = 0;
  #closed = false;

  constructor(options: { readonly threads: number; readonly limit: number; readonly threadIdleMs: number }) {
    this.#threads = new HashThreads({ size: options.threads, idleMs: options.threadIdleMs });
    this.#limit = options.limit;
  }

  /** Jobs that wait for a thread. */
  get length(): number {
    return this.#length;
  }

  /** Hashes computed so far. */
  get computed(): number {
    return this.#computed;
  }

  /** Jobs refused so far because the queue was full. */
  get refused(): number {
    return this.#refused;
  }

  /** Checks a password. Rejects only when a thread fails. */
  check(job: HashJob): Promise<HashOutcome> {
    if (this.#closed) return Promise.resolve("cancelled");
    const outcome = this.#enqueue(job).finally(() => this.#open.delete(outcome));
    this.#open.add(outcome);
    return outcome;
  }

  #enqueue(job: HashJob): Promise<HashOutcome> {
    return new Promise((resolve, reject) => {
      const queued: QueuedJob = { ...job, resolve, reject };
      if (this.#length >= this.#limit && !this.#makeRoomFor(job.client)) {
        this.#refused += 1;
        resolve("busy");
        return;
      }
      const jobs = this.#waiting.get(job.client);
      if (jobs === undefined) this.#waiting.set(job.client, [queued]);
      else jobs.push(queued);
      this.#length += 1;
      this.#advance();
    });
  }

  /** Takes no more jobs, lets those end that somebody still waits for, and then ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#open);
    await this.#threads.close();
  }

  #advance(): void {
    while (this.#threads.hasRoom) {
      const job = this.#next();
      if (job === undefined) return;
      if (job.cancelled()) {
        job.resolve("cancelled");
        continue;
      }
      this.#computed += 1;
      void this.#threads
        .check(job.hash, job.password)
        .then((matched) => job.resolve(matched ? "match" : "mismatch"), job.reject)
        .finally(() => this.#advance());
    }
  }

  /** The first job of the client whose turn it is; that client goes to the end of the line. */
  #next(): QueuedJob | undefined {
    for (const [client, jobs] of this.#waiting) {
      const job = jobs.shift();
      this.#waiting.delete(client);
      if (jobs.length > 0) this.#waiting.set(client, jobs);
      this.#length -= 1;
      return job;
    }
    return undefined;
  }

  #makeRoomFor(newcomer: string): boolean {
    if (this.#dropCancelled()) return true;
    let longest: string | undefined;
    let most = 0;
    for (const [client, jobs] of this.#waiting) {
      if (jobs.length > most) [longest, most] = [client, jobs.length];
    }
    const own = this.#waiting.get(newcomer)?.length ?? 0;
    if (longest === undefined || most <= own + 1) return false;
    const victim = this.#waiting.get(longest)?.pop();
    this.#length -= 1;
    this.#refused += 1;
    victim?.resolve("busy");
    return true;
  }

  /** Takes out jobs that nobody waits for; whether there were any. */
  #dropCancelled(): boolean {
    const before = this.#length;
    for (const [client, jobs] of this.#waiting) {
      const kept = jobs.filter((job) => {
        const cancelled = job.cancelled();
        if (cancelled) job.resolve("cancelled");
        return !cancelled;
      });
      this.#length -= jobs.length - kept.length;
      if (kept.length > 0) this.#waiting.set(client, kept);
      else this.#waiting.delete(client);
    }
    return this.#length < before;
  }
}

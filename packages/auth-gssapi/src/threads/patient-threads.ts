import { AuthError } from "@sockskit/auth";
import type { ThreadData, ThreadRequest, ThreadResults } from "./messages.ts";
import { GssWorker } from "./worker.ts";

/** Threads that may wait for a KDC at a time. Each of them may be held up for half a minute by a silent one. */
const MAX_PATIENT_THREADS = 16;
/** Of them, those that wait for the sake of one service: one silent KDC leaves room for the others. */
const MAX_THREADS_PER_SERVICE = 4;
/** Requests that wait for a thread. */
const MAX_QUEUED_COUNT = 1024;
/** How long a request waits for one. */
const WAITING_TIMEOUT_MS = 10_000;

interface Job {
  readonly service: string;
  readonly request: ThreadRequest;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Threads for calls that may ask a KDC, which the library gives no deadline. They are no threads of libuv's pool, where
 * names and files are looked up, and a service whose KDC is silent holds up only a part of them.
 */
export class PatientThreads {
  readonly #data: ThreadData;
  readonly #workers = new Set<GssWorker>();
  readonly #running = new Map<string, number>();
  readonly #waiting: Job[] = [];

  constructor(data: ThreadData) {
    this.#data = data;
  }

  /**
   * Asks for something that may take long.
   *
   * @param service - For whose sake.
   * @throws AuthError `ERR_SOCKS_GSSAPI_BUSY`, and what the call says.
   */
  request<R extends ThreadRequest>(service: string, request: R): Promise<ThreadResults[R["op"]]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_QUEUED_COUNT) return reject(busy(service));
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(job), 1);
        reject(busy(service));
      }, WAITING_TIMEOUT_MS);
      const job: Job = { service, request, resolve, reject, timer };
      this.#waiting.push(job);
      this.#dispatch();
    });
  }

  /** Ends those that do not wait for anybody. */
  close(): void {
    for (const worker of this.#workers) {
      if (worker.load > 0) continue;
      this.#workers.delete(worker);
      worker.terminate();
    }
  }

  #dispatch(): void {
    for (let index = 0; index < this.#waiting.length;) {
      const job = this.#waiting[index] as Job;
      const hasShare = (this.#running.get(job.service) ?? 0) < MAX_THREADS_PER_SERVICE;
      const worker = hasShare ? this.#idleWorker() : undefined;
      if (hasShare && worker === undefined) return;
      if (worker === undefined) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      this.#run(worker, job);
    }
  }

  #run(worker: GssWorker, { service, request, resolve, reject, timer }: Job): void {
    clearTimeout(timer);
    this.#running.set(service, (this.#running.get(service) ?? 0) + 1);
    const finish = (): void => {
      const left = (this.#running.get(service) ?? 1) - 1;
      if (left === 0) this.#running.delete(service);
      else this.#running.set(service, left);
      this.#dispatch();
    };
    worker
      .request(request)
      .then(resolve as (result: unknown) => void, reject)
      .finally(finish);
  }

  #idleWorker(): GssWorker | undefined {
    for (const worker of this.#workers) if (worker.load === 0) return worker;
    if (this.#workers.size >= MAX_PATIENT_THREADS) return undefined;
    const worker = new GssWorker(this.#data, (gone) => this.#workers.delete(gone));
    this.#workers.add(worker);
    return worker;
  }
}

function busy(service: string): AuthError {
  const message = `too many others wait for a KDC that does not answer; ${service} was not tried`;
  return new AuthError("ERR_SOCKS_GSSAPI_BUSY", message, { side: "local" });
}

import { availableParallelism } from "node:os";
import type { ThreadData } from "./messages.ts";
import { GssWorker } from "./worker.ts";

/** Threads for calls that ask nobody; more would only contend for the processors. */
const MAX_QUICK_THREADS = 4;

/**
 * Threads for what takes long enough to hold others up, but never waits: accepting a context, protecting messages and
 * taking the protection off. Each context keeps to one of them, and so its calls keep their order.
 */
export class QuickThreads {
  readonly #data: ThreadData;
  readonly #workers: GssWorker[] = [];
  #next = 0;

  constructor(data: ThreadData) {
    this.#data = data;
  }

  /** A thread for a context: the next one in turn. */
  take(): GssWorker {
    if (this.#workers.length < Math.min(MAX_QUICK_THREADS, availableParallelism())) return this.#start();
    this.#next = (this.#next + 1) % this.#workers.length;
    return this.#workers[this.#next] as GssWorker;
  }

  /** The same thread for everybody, for what must not happen on two at once. */
  first(): GssWorker {
    return this.#workers[0] ?? this.#start();
  }

  /** Ends all of them. Nobody may be using them. */
  close(): void {
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }

  #start(): GssWorker {
    const gone = (worker: GssWorker): void => {
      const index = this.#workers.indexOf(worker);
      if (index >= 0) this.#workers.splice(index, 1);
    };
    const worker = new GssWorker(this.#data, gone);
    this.#workers.push(worker);
    return worker;
  }
}

import { Worker } from "node:worker_threads";
import { AuthError } from "@sockskit/auth";
import type {
  NumberedRequest,
  NumberedResult,
  ThreadData,
  ThreadError,
  ThreadRequest,
  ThreadResults,
} from "./messages.ts";

/** Runs from `dist/` and, in tests, from `src/`. */
const ENTRY: URL = new URL(import.meta.url.endsWith(".ts") ? "./gss-thread.ts" : "./gss-thread.js", import.meta.url);

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that calls the library, as others see it. It keeps the process running only while it works. */
export class GssWorker {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onGone: (worker: GssWorker) => void;
  #nextId = 0;

  constructor(data: ThreadData, onGone: (worker: GssWorker) => void) {
    this.#onGone = onGone;
    this.#worker = new Worker(ENTRY, {
      name: "sockskit-gssapi",
      workerData: data,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.unref();
    this.#worker.on("message", (message: NumberedResult) => this.#settle(message));
    this.#worker.on("error", (error) => this.#gone(error));
    this.#worker.on("exit", () => this.#gone(undefined));
  }

  /** Requests that are not answered yet. */
  get load(): number {
    return this.#pending.size;
  }

  /** Asks for something; what is in `transfer` is given away. */
  request<R extends ThreadRequest>(request: R, transfer: readonly ArrayBuffer[] = []): Promise<ThreadResults[R["op"]]> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      const message: NumberedRequest = { id, request };
      this.#worker.postMessage(message, [...transfer]);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Ends it. A call that runs is waited for by the system, not by anybody here. */
  terminate(): void {
    void this.#worker.terminate();
  }

  #settle({ id, result, error }: NumberedResult): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (error === undefined) pending?.resolve(result as never);
    else pending?.reject(authError(error));
  }

  #gone(cause: unknown): void {
    const message = "the thread that calls the Kerberos library ended before it answered";
    const error = new AuthError("ERR_SOCKS_GSSAPI_FAILED", message, { side: "local", cause });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#onGone(this);
  }
}

/** An error that came from a thread. */
export function authError({ code, message }: ThreadError): AuthError {
  return new AuthError(code, message, { side: "local" });
}

import { AuthError, type GssapiContext, type GssapiStep, type GssapiUnwrapped } from "@sockskit/auth";
import type { Pointer } from "./binding/native.ts";
import type { SystemMechanism } from "./system-mechanism.ts";
import { pack, type StepResult, TOKEN_OVERHEAD, unpack } from "./threads/messages.ts";
import { authError, type GssWorker } from "./threads/worker.ts";

/** Credentials while a context is made. */
export interface Borrowed {
  readonly handle: Pointer;
  /** Called once; `failed`: the context could not be made with them. */
  giveBack(failed: boolean): void;
}

/** How a context is made. */
export interface Beginning {
  /** The thread that it keeps to, where that is known already. */
  readonly worker?: GssWorker;
  acquire(): Promise<Borrowed>;
  step(context: Pointer, credentials: Pointer, token: Uint8Array | undefined): Promise<StepResult>;
}

/** A context of the library. It runs one call at a time and is freed when the last one is over. */
export class SystemContext implements GssapiContext {
  readonly #mechanism: SystemMechanism;
  readonly #beginning: Beginning;
  #worker: GssWorker | undefined;
  #borrowed: Borrowed | undefined;
  #context: Pointer = 0n;
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(mechanism: SystemMechanism, beginning: Beginning) {
    this.#mechanism = mechanism;
    this.#beginning = beginning;
    this.#worker = beginning.worker;
  }

  step(token: Uint8Array | undefined): Promise<GssapiStep> {
    const copy = token === undefined ? undefined : new Uint8Array(token);
    return this.#inTurn(async () => {
      try {
        this.#borrowed ??= await this.#beginning.acquire();
        const result = await this.#beginning.step(this.#context, this.#borrowed.handle, copy);
        this.#context = result.context;
        if (result.established !== undefined) this.#giveBack(false);
        return { token: result.token, established: result.established };
      } catch (error) {
        // The library's side of it was freed where it failed.
        this.#context = 0n;
        this.#giveBack(true);
        throw error;
      }
    });
  }

  wrap(messages: readonly Uint8Array[], confidential: boolean): Promise<readonly Uint8Array[]> {
    const packed = pack(messages, TOKEN_OVERHEAD);
    return this.#inTurn(async () => {
      const context = this.#established();
      const request = { op: "wrap", context, confidential, packed } as const;
      return unpack(await this.#thread().request(request, [packed.octets.buffer]));
    });
  }

  unwrap(tokens: readonly Uint8Array[]): Promise<GssapiUnwrapped> {
    const packed = pack(tokens);
    return this.#inTurn(async () => {
      const context = this.#established();
      const request = { op: "unwrap", context, packed } as const;
      const found = await this.#thread().request(request, [packed.octets.buffer]);
      const messages = unpack(found.packed).map((message, index) => ({
        message,
        ...(found.remarks[index] as (typeof found.remarks)[number]),
      }));
      return { messages, error: found.error && authError(found.error) };
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const free = async (): Promise<void> => {
      this.#giveBack(true);
      const context = this.#context;
      this.#context = 0n;
      try {
        if (context !== 0n) await this.#thread().request({ op: "free", contexts: [context], credentials: [] });
      } finally {
        this.#mechanism.letGo();
      }
    };
    this.#last.then(free, free).catch(() => undefined);
  }

  async #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const run = async (): Promise<T> => {
      if (this.#isDisposed) throw disposed();
      return call();
    };
    const result = before.then(run, run);
    this.#last = result;
    return result;
  }

  #thread(): GssWorker {
    this.#worker ??= this.#mechanism.quick.take();
    return this.#worker;
  }

  #established(): Pointer {
    if (this.#context === 0n) throw disposed();
    return this.#context;
  }

  #giveBack(failed: boolean): void {
    const borrowed = this.#borrowed;
    this.#borrowed = undefined;
    borrowed?.giveBack(failed);
  }
}

function disposed(): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_FAILED", "the context is over, or was never complete", { side: "local" });
}

import type { Socket } from "node:net";

import { SocksError, type HopReference, type SocksStage } from "../errors.ts";
import { requireInteger } from "./require.ts";

/** Milliseconds that each stage may take, at each hop anew; a stage that is not named has no limit of its own. */
export type StageTimeouts = { readonly [stage in Exclude<SocksStage, "relay">]?: number | undefined };

/** What bounds an {@link Operation}. */
export interface OperationLimits {
  readonly timeoutMs: number;
  readonly stageTimeoutsMs?: StageTimeouts | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an {@link Operation} is doing, for the error that interrupts it. */
export interface Activity {
  readonly stage: Exclude<SocksStage, "relay">;
  readonly hop?: (() => HopReference) | undefined;
  /** What is waited for, as it follows "waiting for": "proxy ... to answer the greeting". */
  readonly awaited: () => string;
}

/** `setTimeout` takes no more. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/**
 * One attempt to get somewhere, with its deadlines and its caller's signal. It is made of steps, one at a time; an
 * interruption ends the step that is running, and its undo function frees what the step holds.
 *
 * One timer serves all deadlines: a stage with a limit of its own only moves it.
 */
export class Operation {
  readonly #startedAt = performance.now();
  readonly #timeoutMs: number;
  readonly #stageTimeoutsMs: StageTimeouts | undefined;
  readonly #signal: AbortSignal | undefined;
  #activity: Activity | undefined;
  #stageEndsAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerEndsAt = Number.POSITIVE_INFINITY;
  #interruption: { readonly error: unknown } | undefined;
  #endStep: ((error: unknown) => void) | undefined;

  constructor({ timeoutMs, stageTimeoutsMs, signal }: OperationLimits) {
    this.#timeoutMs = requireInteger("timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS);
    for (const [stage, limit] of Object.entries(stageTimeoutsMs ?? {})) {
      if (limit !== undefined) requireInteger(`stageTimeoutsMs["${stage}"]`, limit, 1, MAX_TIMEOUT_MS);
    }
    this.#stageTimeoutsMs = stageTimeoutsMs;
    this.#signal = signal;
    if (signal?.aborted === true) this.#interruption = { error: this.#aborted() };
    else signal?.addEventListener("abort", this.#onAbort);
    this.#armTimer();
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Says what comes next, and starts the clock of that stage. */
  enter(activity: Activity): void {
    this.#activity = activity;
    const limit = this.#stageTimeoutsMs?.[activity.stage];
    this.#stageEndsAt = limit === undefined ? Number.POSITIVE_INFINITY : performance.now() + limit;
    if (this.#stageEndsAt < this.#timerEndsAt) this.#armTimer();
  }

  /**
   * Runs one step. `begin` starts it and returns what frees everything when the step is interrupted; it is not called
   * once the step has settled itself.
   */
  step<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#interruption !== undefined) return reject(this.#interruption.error);
      let open = true;
      // What settles a second time is late news of a step that is over.
      const close = (): boolean => {
        if (!open) return false;
        open = false;
        this.#endStep = undefined;
        return true;
      };
      const undo = begin(
        (value) => close() && resolve(value),
        (error) => close() && reject(error as Error),
      );
      if (!open) return;
      this.#endStep = (error) => {
        if (!close()) return;
        undo();
        reject(error as Error);
      };
    });
  }

  /** Passes a socket on to the caller; frees it instead when the operation was interrupted after its last step. */
  claim(socket: Socket): void {
    if (this.#interruption !== undefined) socket.destroy();
    this.throwIfInterrupted();
  }

  /** Throws when the operation was interrupted between two steps. */
  throwIfInterrupted(): void {
    if (this.#interruption !== undefined) throw this.#interruption.error;
  }

  /** Frees the timer and the signal. */
  release(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  /** Ends the step that is running, and with it the operation. The first error counts. */
  interrupt(error: unknown): void {
    this.#interruption ??= { error };
    this.#endStep?.(this.#interruption.error);
  }

  readonly #onAbort = (): void => this.interrupt(this.#aborted());

  #armTimer(): void {
    clearTimeout(this.#timer);
    this.#timerEndsAt = Math.min(this.#startedAt + this.#timeoutMs, this.#stageEndsAt);
    // Rounded up, so that timers of the same length share one list in Node.
    this.#timer = setTimeout(this.#onTimer, Math.ceil(this.#timerEndsAt - performance.now()));
  }

  readonly #onTimer = (): void => {
    const now = performance.now();
    const wholeIsOver = now >= this.#startedAt + this.#timeoutMs;
    // The stage that set the timer may be over: then its successor's limit counts.
    if (wholeIsOver || now >= this.#stageEndsAt) this.interrupt(this.#timedOut(wholeIsOver));
    else this.#armTimer();
  };

  #timedOut(whole: boolean): SocksError {
    const { stage, hop, awaited } = this.#activity ?? {};
    const limit = whole
      ? `${this.#timeoutMs} ms (timeoutMs, for the whole way)`
      : `${this.#stageTimeoutsMs?.[stage ?? "request"] ?? 0} ms (stageTimeoutsMs["${stage ?? ""}"])`;
    const message = `timed out after ${limit}${awaited === undefined ? "" : ` waiting for ${awaited()}`}`;
    return new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage, hop: hop?.() });
  }

  #aborted(): SocksError {
    const { stage, hop, awaited } = this.#activity ?? {};
    const message = `cancelled by the caller${awaited === undefined ? "" : ` while waiting for ${awaited()}`}`;
    return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", stage, hop: hop?.(), cause: this.#signal?.reason });
  }
}

import { SocksError, type HopReference, type SocksStage } from "../errors.ts";
import { badOption, requireInteger } from "./require.ts";

/** A stage that an {@link Operation} can be in. */
export type ActiveStage = Exclude<SocksStage, "relay">;

/** How long each stage may take, in milliseconds, at each hop anew; a stage that is not named has no limit of its own. */
export interface StageTimeouts {
  /** Looking up one name. */
  readonly resolve?: number | undefined;
  /** Connecting to the first proxy. */
  readonly "dial-proxy"?: number | undefined;
  /** TLS with a proxy. */
  readonly tls?: number | undefined;
  /** From the greeting to the choice of a method. */
  readonly negotiate?: number | undefined;
  /** The chosen method. */
  readonly authenticate?: number | undefined;
  /** From the request to its answer, or connecting to a destination without a proxy. */
  readonly request?: number | undefined;
}

/** What bounds an {@link Operation}. */
export interface OperationLimits {
  readonly timeoutMs: number;
  /** What the caller calls that option. Default `timeoutMs`. */
  readonly timeoutName?: string;
  readonly stageTimeoutsMs?: StageTimeouts | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why an {@link Operation} ends. */
export interface Failure {
  /** Anything: a caller's observer may throw what it likes. */
  readonly error: unknown;
}

/** Tells, when an {@link Operation} is interrupted, what it was doing. Asked only then: texts cost time. */
export interface Activity {
  /** The proxy concerned, if there is one. */
  reference(): HopReference | undefined;
  /** What a stage waits for, as it follows "waiting for": "proxy ... to accept the connection". */
  awaited(stage: ActiveStage): string;
  /** What may be wrong when that does not come in time, and how to find out. */
  hint?(stage: ActiveStage): string | undefined;
}

/** `setTimeout` takes no more. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** Checks a time limit, in milliseconds. */
export function requireTimeout(name: string, timeoutMs: number): number {
  return requireInteger(name, timeoutMs, 1, MAX_TIMEOUT_MS);
}

/**
 * One attempt to get somewhere, with its deadlines and its caller's signal. Whoever opens something tells it how to undo
 * that; the operation ends once, by {@link Operation.succeed} or by {@link Operation.fail}, and then frees everything.
 *
 * One timer serves all deadlines: a stage with a limit of its own only moves it. Callbacks and no promises inside: a
 * promise for each step would cost as much as the handshake.
 */
export class Operation<T> {
  readonly #startedAt = performance.now();
  /** Since when the deadline of the whole counts. */
  #countsFrom = this.#startedAt;
  #limits: OperationLimits;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #onAbort: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerEndsAt = Number.POSITIVE_INFINITY;
  #stage: ActiveStage | undefined;
  #activity: Activity | undefined;
  #stageEndsAt = Number.POSITIVE_INFINITY;
  #stageLimitMs = Number.POSITIVE_INFINITY;
  #undo: (() => void) | undefined;
  #recover: ((error: unknown) => Failure | undefined) | undefined;
  #over = false;

  /**
   * @param resolve - Called once with the result, or else `reject` with the error.
   * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(limits: OperationLimits, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
    requireTimeout(limits.timeoutName ?? "timeoutMs", limits.timeoutMs);
    if (limits.stageTimeoutsMs !== undefined) requireStageTimeouts(limits.stageTimeoutsMs);
    if (limits.signal !== undefined) requireSignal(limits.signal);
    this.#armTimer(limits.timeoutMs);
    if (limits.signal !== undefined) this.#watch(limits.signal);
  }

  /** Whether it has succeeded or failed: nothing may be begun any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Milliseconds until the deadline of the whole; not positive when it has passed. */
  get leftMs(): number {
    return this.#countsFrom + this.#limits.timeoutMs - performance.now();
  }

  /**
   * Says what comes next, and starts the clock of that stage.
   *
   * @param ownLimitMs - How long it may take this time, where the caller's limit for the stage is not shorter.
   */
  enter(stage: ActiveStage, activity: Activity, ownLimitMs?: number): void {
    this.#stage = stage;
    this.#activity = activity;
    const limit = Math.min(
      this.#limits.stageTimeoutsMs?.[stage] ?? Number.POSITIVE_INFINITY,
      ownLimitMs ?? Number.POSITIVE_INFINITY,
    );
    this.#stageLimitMs = limit;
    if (limit === Number.POSITIVE_INFINITY) {
      this.#stageEndsAt = limit;
      return;
    }
    this.#stageEndsAt = performance.now() + limit;
    if (this.#stageEndsAt < this.#timerEndsAt && !this.#over) this.#armTimer(limit);
  }

  /**
   * Begins a part that waits for somebody else: from now on it has `timeoutMs`, whatever was left, and no limit for its
   * stage.
   */
  extend(timeoutMs: number, timeoutName: string, activity: Activity): void {
    this.#limits = { timeoutMs, timeoutName, signal: this.#limits.signal };
    this.#countsFrom = performance.now();
    this.#stageEndsAt = Number.POSITIVE_INFINITY;
    this.#activity = activity;
    if (!this.#over) this.#armTimer(timeoutMs);
  }

  /**
   * Stops every clock while somebody thinks, who has `limitMs` for it.
   *
   * @returns Starts the clocks again where they stood.
   */
  suspend(limitMs: number, limitName: string, activity: Activity): () => void {
    const startedAt = performance.now();
    const previous = {
      limits: this.#limits,
      countsFrom: this.#countsFrom,
      stageEndsAt: this.#stageEndsAt,
      activity: this.#activity,
    };
    this.extend(limitMs, limitName, activity);
    return () => {
      if (this.#over) return;
      const thoughtMs = performance.now() - startedAt;
      this.#limits = previous.limits;
      this.#countsFrom = previous.countsFrom + thoughtMs;
      this.#stageEndsAt = previous.stageEndsAt + thoughtMs;
      this.#activity = previous.activity;
      this.#armTimer(Math.max(0, Math.min(this.leftMs, this.#stageEndsAt - performance.now())));
    };
  }

  /** Says how to free what is open from now on; replaces what was said before. */
  hold(undo: (() => void) | undefined): void {
    if (this.#over) undo?.();
    else this.#undo = undo;
  }

  /** Says what else to do when it fails. */
  alsoFree(free: () => void): void {
    const undo = this.#undo;
    this.hold(() => {
      free();
      undo?.();
    });
  }

  /** Frees what is held now: something else is tried instead. */
  release(): void {
    const undo = this.#undo;
    this.#undo = undefined;
    undo?.();
  }

  /**
   * Has failures judged before they end the operation: `recover` gives the one to end with, or `undefined` when it has
   * begun something else.
   */
  recoverBy(recover: (error: unknown) => Failure | undefined): void {
    this.#recover = recover;
  }

  /** Runs a part of the work; what it throws is the operation's failure. */
  run(work: () => void): void {
    try {
      if (!this.#over) work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends it with its result, which now belongs to the caller. */
  succeed(value: T): void {
    if (this.#over) return;
    this.#finish();
    this.#resolve(value);
  }

  /** Ends it with an error; frees what was held. */
  fail(error: unknown): void {
    if (this.#over) return;
    const failure = this.#recover === undefined ? { error } : this.#recover(error);
    // Judging calls observers, and one of them may have failed meanwhile.
    if (failure === undefined || this.#over) return;
    this.#finish();
    this.#undo?.();
    this.#reject(failure.error);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#limits.signal?.removeEventListener("abort", this.#onAbort);
  }

  #watch(signal: AbortSignal): void {
    this.#onAbort = () => this.fail(this.#aborted(signal));
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort);
  }

  #armTimer(pauseMs: number): void {
    clearTimeout(this.#timer);
    this.#timerEndsAt = Math.min(this.#countsFrom + this.#limits.timeoutMs, this.#stageEndsAt);
    this.#timer = setTimeout(Operation.#onTimer, pauseMs, this as Operation<unknown>);
  }

  static #onTimer(this: void, operation: Operation<unknown>): void {
    const now = performance.now();
    const wholeEndsAt = operation.#countsFrom + operation.#limits.timeoutMs;
    const wholeIsOver = now >= wholeEndsAt;
    // The stage that set the timer may be over: then its successor's limit counts.
    if (wholeIsOver || now >= operation.#stageEndsAt) operation.fail(operation.#timedOut(wholeIsOver));
    // Also when something else was tried instead.
    if (!operation.#over) operation.#armTimer(Math.max(0, Math.min(wholeEndsAt, operation.#stageEndsAt) - now));
  }

  #timedOut(whole: boolean): SocksError {
    const { timeoutMs, timeoutName = "timeoutMs" } = this.#limits;
    const stage = this.#stage ?? "request";
    const limit = whole
      ? `${timeoutMs} ms (${timeoutName}${this.#countsFrom === this.#startedAt ? ", for the whole way" : ""})`
      : `${Math.round(this.#stageLimitMs)} ms (stageTimeoutsMs["${stage}"])`;
    const hint = this.#activity?.hint?.(stage);
    const awaited = `${this.#activity?.awaited(stage) ?? "the start"}${hint === undefined ? "" : `; ${hint}`}`;
    const message = `timed out after ${limit} waiting for ${awaited}`;
    return new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage, hop: this.#activity?.reference() });
  }

  #aborted(signal: AbortSignal): SocksError {
    const when =
      this.#stage === undefined
        ? "before anything was begun"
        : `while waiting for ${this.#activity?.awaited(this.#stage) ?? ""}`;
    const message = `cancelled by the caller ${when}`;
    const options = { stage: this.#stage, hop: this.#activity?.reference(), cause: signal.reason as unknown };
    return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", ...options });
  }
}

function requireStageTimeouts(timeouts: StageTimeouts): void {
  for (const [stage, limit] of Object.entries(timeouts) as [string, number | undefined][]) {
    if (limit !== undefined) requireTimeout(`stageTimeoutsMs["${stage}"]`, limit);
  }
}

function requireSignal(signal: unknown): void {
  const given = signal as Partial<AbortSignal> | null;
  if (typeof given?.addEventListener === "function" && typeof given.removeEventListener === "function") return;
  throw badOption(`signal is ${given === null ? "null" : `a value of type ${typeof given}`}; expected an AbortSignal`);
}

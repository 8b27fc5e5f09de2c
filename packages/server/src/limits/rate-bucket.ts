/** Somebody who waits for a share of a {@link RateBucket}. */
export interface RateWaiter {
  /** How much it would send now, in bytes; more than 0. */
  readonly wanted: number;
  /** Lets it send that many bytes: at least 1, at most `wanted`. */
  grant(bytes: number): void;
}

/** How finely time is divided: a waiter gets at most what the rate gives in this many milliseconds. */
const SLICE_MS = 50;
const MIN_SLICE_BYTES = 512;

/**
 * A token bucket that several waiters share fairly: they take turns, a slice each.
 *
 * Nothing is granted that has not been earned, and no more than two slices are saved up while nobody waits.
 */
export class RateBucket {
  readonly #bytesPerMs: number;
  readonly #slice: number;
  readonly #waiters = new Set<RateWaiter>();
  #tokens: number;
  #filledAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #serving = false;

  /** @param bytesPerSecond The rate; 1 or more. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#slice = Math.max(MIN_SLICE_BYTES, Math.floor(this.#bytesPerMs * SLICE_MS));
    this.#tokens = this.#slice;
    this.#filledAtMs = performance.now();
  }

  /** Queues a waiter; it is granted something soon, perhaps before this returns. */
  wait(waiter: RateWaiter): void {
    this.#waiters.add(waiter);
    if (this.#timer === undefined && !this.#serving) this.#serve();
  }

  /**
   * Takes a share at once, or nothing: for what is dropped instead of waiting. While anything is left, more may be taken
   * than there is, so that what is longer than a slice passes; the rest is owed.
   */
  take(bytes: number): boolean {
    this.#fill();
    if (this.#tokens <= 0) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** Whether it gives no less than a new one would: then nothing is lost when it is forgotten. */
  get isRested(): boolean {
    this.#fill();
    return this.#tokens >= this.#slice;
  }

  /** Takes a waiter out. */
  leave(waiter: RateWaiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #serve(): void {
    this.#timer = undefined;
    this.#serving = true;
    try {
      this.#fill();
      this.#grantInTurn();
    } finally {
      this.#serving = false;
      // A waiter that threw ended the round: those behind it still get theirs.
      if (this.#waiters.size > 0) this.#timer ??= setTimeout(() => this.#serve(), 1).unref();
    }
  }

  #grantInTurn(): void {
    for (const waiter of this.#waiters) {
      const bytes = Math.min(waiter.wanted, this.#slice);
      if (bytes > this.#tokens) {
        this.#timer = setTimeout(() => this.#serve(), Math.ceil((bytes - this.#tokens) / this.#bytesPerMs)).unref();
        return;
      }
      this.#tokens -= bytes;
      this.#waiters.delete(waiter);
      // It may ask again at once; then it goes to the end of the line, and this loop comes to it.
      waiter.grant(bytes);
    }
  }

  #fill(): void {
    const nowMs = performance.now();
    // Two slices, so that a timer that fires late loses nothing.
    this.#tokens = Math.min(2 * this.#slice, this.#tokens + (nowMs - this.#filledAtMs) * this.#bytesPerMs);
    this.#filledAtMs = nowMs;
  }
}

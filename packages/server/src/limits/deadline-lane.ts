/** Something that has a deadline in a {@link DeadlineLane}. */
export interface LaneEntry {
  /** Called when the time is up. Return true to get another `periodMs`. */
  expired(nowMs: number): boolean;
}

/**
 * Deadlines of one length for many things, with one timer for all of them.
 *
 * All wait equally long, so who came first expires first: a map in order of arrival is a priority queue.
 * Adding, removing and expiring cost the same however many wait.
 */
export class DeadlineLane<T extends LaneEntry> {
  readonly periodMs: number;
  readonly #dueAtMs = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number) {
    this.periodMs = periodMs;
  }

  /** How many wait. */
  get size(): number {
    return this.#dueAtMs.size;
  }

  /** Starts an entry's time; one that waits already starts again. */
  add(entry: T): void {
    this.#dueAtMs.delete(entry);
    this.#dueAtMs.set(entry, performance.now() + this.periodMs);
    if (this.#timer === undefined) this.#arm(this.periodMs);
  }

  /** Takes an entry out; whether it was there. */
  delete(entry: T): boolean {
    const found = this.#dueAtMs.delete(entry);
    if (this.#dueAtMs.size === 0) this.#disarm();
    return found;
  }

  /** The entry that waits longest. */
  oldest(): T | undefined {
    return this.#dueAtMs.keys().next().value;
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [entry, dueAtMs] of this.#dueAtMs) {
      // The timer may fire a little early; what is due within a millisecond is due.
      if (dueAtMs > nowMs + 1) {
        this.#arm(dueAtMs - nowMs);
        return;
      }
      this.#dueAtMs.delete(entry);
      if (entry.expired(nowMs)) this.#dueAtMs.set(entry, nowMs + this.periodMs);
    }
  }

  #arm(delayMs: number): void {
    clearTimeout(this.#timer);
    // Sockets keep the process alive, not the deadlines on them.
    this.#timer = setTimeout(() => this.#expire(), delayMs).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

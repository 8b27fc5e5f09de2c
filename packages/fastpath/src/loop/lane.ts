/** Something with a deadline in one {@link Lane} at a time. */
export abstract class LaneEntry {
  /** @internal */
  lane: Lane | undefined;
  /** @internal */
  dueAtMs = 0;
  /** @internal */
  earlier: LaneEntry | undefined;
  /** @internal */
  later: LaneEntry | undefined;

  /** Called when the time is up. Return true to get another period. */
  abstract expired(nowMs: number): boolean;
}

/**
 * Deadlines of one length for many things. All wait equally long, so who came first expires first: the entries are a
 * linked list, and adding, removing and expiring cost the same however many wait. Nothing is allocated.
 */
export class Lane {
  readonly periodMs: number;
  #first: LaneEntry | undefined;
  #last: LaneEntry | undefined;

  constructor(periodMs: number) {
    this.periodMs = periodMs;
  }

  /** The entry that waits longest. */
  get oldest(): LaneEntry | undefined {
    return this.#first;
  }

  /** When the first entry is due; `undefined` while nothing waits. */
  get dueAtMs(): number | undefined {
    return this.#first?.dueAtMs;
  }

  /** Starts an entry's time; it leaves the lane that it was in. */
  add(entry: LaneEntry, nowMs: number): void {
    entry.lane?.delete(entry);
    entry.lane = this;
    entry.dueAtMs = nowMs + this.periodMs;
    entry.earlier = this.#last;
    entry.later = undefined;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.later = entry;
    this.#last = entry;
  }

  /** Takes an entry out, if it is in. */
  delete(entry: LaneEntry): void {
    if (entry.lane !== this) return;
    if (entry.earlier === undefined) this.#first = entry.later;
    else entry.earlier.later = entry.later;
    if (entry.later === undefined) this.#last = entry.earlier;
    else entry.later.earlier = entry.earlier;
    entry.lane = entry.earlier = entry.later = undefined;
  }

  /** Calls those whose time is up. */
  expire(nowMs: number): void {
    for (let entry = this.#first; entry !== undefined && entry.dueAtMs <= nowMs; entry = this.#first) {
      this.delete(entry);
      if (entry.expired(nowMs)) this.add(entry, nowMs);
    }
  }
}

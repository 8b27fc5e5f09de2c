interface Failures {
  /** What has not been forgotten yet: one for each failure, draining evenly. */
  level: number;
  atMs: number;
}

/**
 * How often a client may fail to log in: `perMinute` failures at once, and as many again in each minute.
 *
 * The table is bounded: when it is full, who failed longest ago is forgotten first.
 */
export class FailureLimit {
  readonly #perMinute: number;
  readonly #capacity: number;
  readonly #nowMs: () => number;
  readonly #onFailure: (client: string) => void;
  readonly #clients = new Map<string, Failures>();

  constructor(options: {
    readonly perMinute: number;
    readonly capacity: number;
    readonly nowMs?: () => number;
    /** Called with each client that failed. */
    readonly onFailure?: (client: string) => void;
  }) {
    this.#onFailure = options.onFailure ?? (() => undefined);
    this.#perMinute = options.perMinute;
    this.#capacity = options.capacity;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Whether the client has no try left. */
  isBlocked(client: string): boolean {
    const failures = this.#clients.get(client);
    if (failures === undefined) return false;
    // A full try must be left: a client that fails again and again gets `perMinute` tries a minute, no more.
    return this.#levelOf(failures) > this.#perMinute - 1;
  }

  /** Counts a failure. */
  count(client: string): void {
    const failures = this.#clients.get(client);
    const level = (failures === undefined ? 0 : this.#levelOf(failures)) + 1;
    this.#clients.delete(client);
    if (this.#clients.size >= this.#capacity) this.#forgetOldest();
    this.#clients.set(client, { level, atMs: this.#nowMs() });
    this.#onFailure(client);
  }

  #levelOf(failures: Failures): number {
    const minutes = (this.#nowMs() - failures.atMs) / 60_000;
    return Math.max(0, failures.level - minutes * this.#perMinute);
  }

  #forgetOldest(): void {
    for (const client of this.#clients.keys()) {
      this.#clients.delete(client);
      return;
    }
  }
}

import { requireInteger } from "../internal/require.ts";

/** How much a {@link DiscoveryMemory} keeps, and how long. */
export interface DiscoveryMemoryOptions {
  /** Proxies that are remembered at most; the one that was not used for the longest time goes first. Default 1024. */
  readonly maxCount?: number | undefined;
  /** How long a version is believed after it was found, in milliseconds. Default 600000, ten minutes. */
  readonly expiryMs?: number | undefined;
}

/** What a proxy turned out to speak. */
export interface FoundVersion {
  readonly version: 4 | 5;
  /** SOCKS 4: whether it takes names (4A); `undefined` while nobody has asked. SOCKS 5 does. */
  readonly names: boolean | undefined;
}

/** One search that goes on, and those who wait for what it finds. */
export interface Search {
  /** Says what came of it; does nothing when called again. */
  end(outcome: SearchOutcome): void;
}

/**
 * - `found`: it is remembered.
 * - `failed`: the proxy did not answer as any version; everybody tries for themselves.
 * - `given-up`: the caller lost interest; somebody else goes on.
 */
export type SearchOutcome = "found" | "failed" | "given-up";

type Waiting = (outcome: SearchOutcome) => void;

interface Entry {
  readonly found: FoundVersion;
  readonly expiresAt: number;
}

/** Remembers which version each proxy speaks. Made by {@link createDiscoveryMemory}; holds no secret and no timer. */
export class DiscoveryMemory {
  readonly #maxCount: number;
  readonly #expiryMs: number;
  // In the order of use: the first goes first.
  readonly #entries = new Map<string, Entry>();
  readonly #searches = new Map<string, Set<Waiting>>();

  /** @internal */
  constructor({ maxCount = 1024, expiryMs = 600_000 }: DiscoveryMemoryOptions) {
    this.#maxCount = requireInteger("maxCount", maxCount, 1, 1_000_000);
    this.#expiryMs = requireInteger("expiryMs", expiryMs, 1, 0x7fffffff);
  }

  /** Proxies that are remembered now, those included whose time is over and that nobody has asked for since. */
  get size(): number {
    return this.#entries.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  /** @internal */
  recall(key: string): FoundVersion | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (performance.now() >= entry.expiresAt) return undefined;
    this.#entries.set(key, entry);
    return entry.found;
  }

  /**
   * What is confirmed keeps its time: a proxy that learns SOCKS 5 is asked again, however often it is used.
   *
   * @internal
   */
  remember(key: string, found: FoundVersion): void {
    const known = this.recall(key);
    if (known?.version === found.version && known.names === found.names) return;
    this.#entries.delete(key);
    this.#entries.set(key, { found, expiresAt: performance.now() + this.#expiryMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxCount) break;
      this.#entries.delete(oldest);
    }
  }

  /** @internal */
  forget(key: string): void {
    this.#entries.delete(key);
  }

  /**
   * Begins a search, or waits for the one that goes on.
   *
   * @returns The search, or how to stop waiting.
   * @internal
   */
  search(key: string, waiting: Waiting): { readonly search: Search } | { readonly cancel: () => void } {
    const others = this.#searches.get(key);
    if (others !== undefined) {
      others.add(waiting);
      return { cancel: () => void others.delete(waiting) };
    }
    const waiters = new Set<Waiting>();
    this.#searches.set(key, waiters);
    const end = (outcome: SearchOutcome): void => {
      if (this.#searches.get(key) !== waiters) return;
      this.#searches.delete(key);
      for (const waiter of waiters) waiter(outcome);
    };
    return { search: { end } };
  }
}

/**
 * Makes a memory for `discovery.memory`: for tests, or for callers who must not learn from each other.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function createDiscoveryMemory(options: DiscoveryMemoryOptions = {}): DiscoveryMemory {
  return new DiscoveryMemory(options);
}

/** What all who say nothing else share. */
export const sharedDiscoveryMemory: DiscoveryMemory = createDiscoveryMemory();

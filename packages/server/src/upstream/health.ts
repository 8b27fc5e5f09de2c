import type { Alternative } from "./upstream-plan.ts";

/** How long an alternative is put aside after its first failure, in milliseconds; each further one doubles it. */
export const FIRST_ASIDE_MS = 5_000;
/** The longest time for which one is put aside, in milliseconds. */
export const MAX_ASIDE_MS = 300_000;

/** What is remembered of an alternative that failed. */
interface Illness {
  /** In a row, of attempts that could know better. */
  readonly failures: number;
  readonly sinceMs: number;
  /** When it is tried again before others are used up. */
  readonly asideUntilMs: number;
  /** Somebody finds out at this moment whether it works again; others do not wait for that. */
  isProbed: boolean;
}

/** That an alternative was put aside. */
export interface PutAside {
  readonly failures: number;
  readonly retryMs: number;
}

/** That an alternative works again. */
export interface Recovery {
  /** Failures that were counted before. */
  readonly failures: number;
}

/**
 * Remembers which alternatives failed. One that did is put aside for a time that grows with each failure, then one
 * session finds out whether it works again.
 *
 * Alternatives are known by what they say: the memory goes on when a reload leaves them as they are.
 */
export class HealthMemory {
  readonly #ill = new Map<string, Illness>();

  /** The alternatives in the order in which to try them: those put aside come last, the one that returns next first. */
  order(alternatives: readonly Alternative[], nowMs: number): readonly Alternative[] {
    if (this.#ill.size === 0) return alternatives;
    const untilMs = ({ key }: Alternative): number => {
      const illness = this.#ill.get(key);
      return illness !== undefined && (nowMs < illness.asideUntilMs || illness.isProbed) ? illness.asideUntilMs : 0;
    };
    return alternatives.toSorted((a, b) => untilMs(a) - untilMs(b));
  }

  /** Begins an attempt; its end is told to what is returned, once. */
  begin({ key }: Alternative, nowMs: number): HealthAttempt {
    const illness = this.#ill.get(key);
    const isProbe = illness !== undefined && nowMs >= illness.asideUntilMs && !illness.isProbed;
    if (isProbe) illness.isProbed = true;
    return {
      succeeded: () => this.#recover(key),
      failed: (endMs) => this.#fail(key, nowMs, endMs),
      abandoned: () => {
        if (isProbe) illness.isProbed = false;
      },
    };
  }

  /** Forgets all but these. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#ill.keys()) if (!keys.has(key)) this.#ill.delete(key);
  }

  #recover(key: string): Recovery | undefined {
    const illness = this.#ill.get(key);
    this.#ill.delete(key);
    return illness && { failures: illness.failures };
  }

  #fail(key: string, beganMs: number, nowMs: number): PutAside | undefined {
    const illness = this.#ill.get(key);
    // Many sessions that fail together are one failure; so is one that tried what was put aside for want of others.
    if (illness !== undefined && (beganMs < illness.sinceMs || beganMs < illness.asideUntilMs)) return undefined;
    const failures = (illness?.failures ?? 0) + 1;
    const retryMs = Math.min(FIRST_ASIDE_MS * 2 ** Math.min(failures - 1, 30), MAX_ASIDE_MS);
    this.#ill.set(key, { failures, sinceMs: nowMs, asideUntilMs: nowMs + retryMs, isProbed: false });
    return { failures, retryMs };
  }
}

/** An attempt that is under way. */
export interface HealthAttempt {
  /** It worked. What that changes, if anything. */
  readonly succeeded: () => Recovery | undefined;
  /** It was the alternative's fault that it did not work. What that changes, if anything. */
  readonly failed: (nowMs: number) => PutAside | undefined;
  /** It says nothing about the alternative. */
  readonly abandoned: () => void;
}

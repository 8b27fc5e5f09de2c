import type { RuleLimit } from "@sockskit/policy";
import { RateBucket } from "./rate-bucket.ts";

/** A session's place under a rule's limits; give it back with {@link RuleLimits.release}. */
export interface RuleShare {
  /** Shared by all sessions of the same user under the same rule; absent without a rate. */
  readonly bucket?: RateBucket;
  /** @internal */
  readonly key: string;
}

interface Shared {
  sessions: number;
  readonly bucket: RateBucket | undefined;
}

/**
 * What rules allow each user, or each client address where nobody logged in: sessions at a time, and bytes per
 * second over all of them.
 *
 * One object belongs to one set of rules; sessions of older rules keep theirs after a reload.
 */
export class RuleLimits {
  readonly #shared = new Map<string, Shared>();

  /** Takes a place, or `undefined` when the rule's sessions are all taken. */
  take(rule: number, limit: RuleLimit, who: string): RuleShare | undefined {
    const key = `${rule} ${who}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = { sessions: 0, bucket: limit.rate === undefined ? undefined : new RateBucket(limit.rate) };
      this.#shared.set(key, shared);
    }
    if (limit.sessions !== undefined && shared.sessions >= limit.sessions) return undefined;
    shared.sessions += 1;
    return shared.bucket === undefined ? { key } : { key, bucket: shared.bucket };
  }

  /** Gives a place back. */
  release(share: RuleShare): void {
    const shared = this.#shared.get(share.key);
    if (shared === undefined) return;
    shared.sessions -= 1;
    if (shared.sessions <= 0) this.#shared.delete(share.key);
  }
}

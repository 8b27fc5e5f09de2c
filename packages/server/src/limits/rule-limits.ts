import { hash } from "node:crypto";
import { describeRule, type RuleConfig } from "@sockskit/policy";
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

interface Resting extends Shared {
  readonly bucket: RateBucket;
}

/** Buckets that are kept without a session at most; when there are more, one is forgotten. */
export const MAX_RESTING = 10_000;

/**
 * What rules allow each user, or each client address where nobody logged in: sessions at a time, and bytes per
 * second over all of them.
 *
 * Rules are told apart by what they say, not by where they stand: so the sessions and rates of a rule that a reload
 * leaves as it is go on, and only a changed rule begins anew.
 */
export class RuleLimits {
  readonly #shared = new Map<string, Shared>();
  /** Without a session, but not filled again: who comes back finds what it left, not a new bucket. */
  readonly #resting = new Map<string, Resting>();

  /** Takes a place, or `undefined` when the rule's sessions are all taken. */
  take(rule: RuleConfig, who: string): RuleShare | undefined {
    const { limit = {} } = rule;
    const key = `${ruleKey(rule)} ${who}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = this.#resting.get(key) ?? {
        sessions: 0,
        bucket: limit.rate === undefined ? undefined : new RateBucket(limit.rate),
      };
      this.#resting.delete(key);
      this.#shared.set(key, shared);
    }
    if (limit.sessions !== undefined && shared.sessions >= limit.sessions) return undefined;
    shared.sessions += 1;
    return shared.bucket === undefined ? { key } : { key, bucket: shared.bucket };
  }

  /** How many buckets are kept without a session. */
  get resting(): number {
    return this.#resting.size;
  }

  /** Gives a place back. */
  release({ key }: RuleShare): void {
    const shared = this.#shared.get(key);
    if (shared === undefined) return;
    shared.sessions -= 1;
    if (shared.sessions > 0) return;
    this.#shared.delete(key);
    const { bucket } = shared;
    if (bucket !== undefined && !bucket.isRested) this.#keep(key, { sessions: 0, bucket });
  }

  /** Looks at two others for each one that comes: so what has filled again goes without a timer. */
  #keep(key: string, shared: Resting): void {
    let looks = 2;
    for (const [other, kept] of this.#resting) {
      if (looks === 0) break;
      looks -= 1;
      this.#resting.delete(other);
      if (!kept.bucket.isRested) this.#resting.set(other, kept);
    }
    const [oldest] = this.#resting.keys();
    if (oldest !== undefined && this.#resting.size >= MAX_RESTING) this.#resting.delete(oldest);
    this.#resting.set(key, shared);
  }
}

const keys = new WeakMap<RuleConfig, string>();

/** The same for rules that say the same, and short however long they are. */
export function ruleKey(rule: RuleConfig): string {
  let key = keys.get(rule);
  if (key === undefined) {
    key = hash("sha256", describeRule(rule), "base64");
    keys.set(rule, key);
  }
  return key;
}

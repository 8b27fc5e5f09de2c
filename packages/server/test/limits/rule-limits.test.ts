import type { RuleConfig, RuleLimit } from "@sockskit/policy";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MAX_RESTING, RuleLimits, type RuleShare } from "../../src/limits/rule-limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const allow = (limit: RuleLimit): RuleConfig => ({ action: "allow", limit });

test("sessions are counted for each user under each rule", () => {
  const limits = new RuleLimits();
  const first = limits.take(allow({ sessions: 2 }), "user alice") as RuleShare;
  expect(limits.take(allow({ sessions: 2 }), "user alice")).toBeDefined();
  expect(limits.take(allow({ sessions: 2 }), "user alice")).toBeUndefined();
  expect(limits.take(allow({ sessions: 2 }), "user bob")).toBeDefined();
  expect(limits.take({ ...allow({ sessions: 2 }), ports: [443] }, "user alice")).toBeDefined();
  limits.release(first);
  expect(limits.take(allow({ sessions: 2 }), "user alice")).toBeDefined();
  expect(limits.take(allow({ sessions: 2 }), "user alice")).toBeUndefined();
});

test("the rate is shared by the sessions of a user", () => {
  const limits = new RuleLimits();
  const [one, two] = [
    limits.take(allow({ rate: 1_000 }), "user alice"),
    limits.take(allow({ rate: 1_000 }), "user alice"),
  ];
  expect(one?.bucket).toBeDefined();
  expect(one?.bucket).toBe(two?.bucket);
  expect(limits.take(allow({ rate: 1_000 }), "user bob")?.bucket).not.toBe(one?.bucket);
  expect(limits.take(allow({ sessions: 1 }), "user carol")?.bucket).toBeUndefined();
});

test("who comes again and again gets no more than the rate", () => {
  const limits = new RuleLimits();
  let sent = 0;
  for (let ms = 0; ms < 10_000; ms += 10) {
    const share = limits.take(allow({ rate: 100_000 }), "user alice") as RuleShare;
    const waiter = { wanted: 5_000, grant: (bytes: number) => void (sent += bytes) };
    share.bucket?.wait(waiter);
    vi.advanceTimersByTime(10);
    share.bucket?.leave(waiter);
    limits.release(share);
  }
  expect(sent).toBeLessThanOrEqual(100_000 * 10 + 5_000);
  expect(sent).toBeGreaterThan(100_000 * 10 * 0.9);
});

test("what datagrams owe is owed by the next session, too", () => {
  const limits = new RuleLimits();
  const first = limits.take(allow({ rate: 1_000 }), "user alice") as RuleShare;
  expect(first.bucket?.take(10_000)).toBe(true);
  limits.release(first);
  vi.advanceTimersByTime(9_000);
  expect(limits.take(allow({ rate: 1_000 }), "user alice")?.bucket?.take(1)).toBe(false);
});

test("those who left are forgotten when nothing is owed any more, and there is a most", () => {
  const limits = new RuleLimits();
  const visit = (who: string, bytes: number): void => {
    const share = limits.take(allow({ rate: 100_000 }), who) as RuleShare;
    if (bytes > 0) share.bucket?.take(bytes);
    limits.release(share);
  };
  visit("user quiet", 0);
  expect(limits.resting).toBe(0);
  for (let i = 0; i < MAX_RESTING + 10; i++) visit(`user ${i}`, 65_000);
  expect(limits.resting).toBe(MAX_RESTING);
  vi.advanceTimersByTime(60_000);
  for (let i = 0; i < MAX_RESTING; i++) visit("user again", 5_000);
  expect(limits.resting).toBe(1);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RateBucket, type RateWaiter } from "../../src/limits/rate-bucket.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Somebody who always has more to send. */
class Sender implements RateWaiter {
  readonly bucket: RateBucket;
  readonly wanted: number;
  sent = 0;
  turns = 0;

  constructor(bucket: RateBucket, wanted = 65_536) {
    this.bucket = bucket;
    this.wanted = wanted;
    bucket.wait(this);
  }

  grant(bytes: number): void {
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(this.wanted);
    this.sent += bytes;
    this.turns += 1;
    this.bucket.wait(this);
  }
}

test.each([2_000, 100_000, 10_000_000])("%i bytes per second, not more and hardly less", (rate) => {
  const sender = new Sender(new RateBucket(rate));
  vi.advanceTimersByTime(10_000);
  expect(sender.sent).toBeLessThanOrEqual(rate * 10 * 1.02 + 1_024);
  expect(sender.sent).toBeGreaterThan(rate * 10 * 0.95 - 1_024);
});

test("several share it in turns, whatever they want", () => {
  const bucket = new RateBucket(100_000);
  const senders = Array.from({ length: 5 }, () => new Sender(bucket));
  vi.advanceTimersByTime(10_000);
  const sent = senders.map((sender) => sender.sent);
  expect(Math.max(...sent) - Math.min(...sent)).toBeLessThanOrEqual(5_000);
  expect(sent.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(100_000 * 10 * 1.02 + 10_000);
});

test("small senders wait one round at most", () => {
  const bucket = new RateBucket(100_000);
  const [big, small] = [new Sender(bucket), new Sender(bucket, 64)];
  vi.advanceTimersByTime(10_000);
  expect(small.turns).toBeGreaterThanOrEqual(big.turns - 1);
});

test("idle time saves two slices up, no more", () => {
  const bucket = new RateBucket(100_000);
  vi.advanceTimersByTime(60_000);
  const sender = new Sender(bucket);
  expect(sender.sent).toBeLessThanOrEqual(2 * 5_000);
});

test("who leaves gets nothing, and the last one takes the timer along", () => {
  const bucket = new RateBucket(1_000);
  const [first, second] = [new Sender(bucket), new Sender(bucket)];
  vi.advanceTimersByTime(2_000);
  const before = first.sent;
  bucket.leave(first);
  vi.advanceTimersByTime(5_000);
  expect(first.sent).toBe(before);
  bucket.leave(second);
  expect(vi.getTimerCount()).toBe(0);
});

test("what does not wait is let through as far as the rate goes, whatever its length", () => {
  const bucket = new RateBucket(10_000);
  let passed = 0;
  for (let ms = 0; ms < 20_000; ms += 10) {
    if (bucket.take(3_000)) passed += 3_000;
    vi.advanceTimersByTime(10);
  }
  expect(passed).toBeLessThanOrEqual(10_000 * 20 + 6_000);
  expect(passed).toBeGreaterThan(10_000 * 20 * 0.9);
  // What was passed beyond the rate is owed: directly after it, nothing passes.
  while (bucket.take(65_507));
  expect(bucket.take(1)).toBe(false);
});

test("a waiter that throws stops neither those behind it nor those who come later", () => {
  const bucket = new RateBucket(100_000);
  const first = new Sender(bucket);
  const broken: RateWaiter = {
    wanted: 1,
    grant: () => {
      throw new RangeError("broken");
    },
  };
  bucket.wait(broken);
  const behind = new Sender(bucket);
  expect(() => vi.advanceTimersByTime(1_000)).toThrow("broken");
  const before = [first.sent, behind.sent];
  vi.advanceTimersByTime(1_000);
  expect(first.sent).toBeGreaterThan(before[0] as number);
  expect(behind.sent).toBeGreaterThan(before[1] as number);

  const empty = new RateBucket(100_000);
  expect(() => empty.wait(broken)).toThrow("broken");
  const later = new Sender(empty);
  vi.advanceTimersByTime(1_000);
  expect(later.sent).toBeGreaterThan(0);
});

import { expect, test } from "vitest";
import { FailureLimit } from "../../src/limits/failure-limit.ts";

function limitOf(perMinute: number, capacity = 10) {
  const clock = { nowMs: 0 };
  return { clock, limit: new FailureLimit({ perMinute, capacity, nowMs: () => clock.nowMs }) };
}

test("so many failures at once, then as many per minute", () => {
  const { clock, limit } = limitOf(3);
  for (let i = 0; i < 3; i++) {
    expect(limit.isBlocked("a")).toBe(false);
    limit.count("a");
  }
  expect(limit.isBlocked("a")).toBe(true);
  expect(limit.isBlocked("b")).toBe(false);
  clock.nowMs = 19_000;
  expect(limit.isBlocked("a")).toBe(true);
  clock.nowMs = 20_000;
  expect(limit.isBlocked("a")).toBe(false);
  limit.count("a");
  expect(limit.isBlocked("a")).toBe(true);
  clock.nowMs = 100_000;
  for (let i = 0; i < 3; i++) {
    expect(limit.isBlocked("a")).toBe(false);
    limit.count("a");
  }
  expect(limit.isBlocked("a")).toBe(true);
});

test("over an hour nobody gets more than the burst and the rate", () => {
  const { clock, limit } = limitOf(20);
  let tries = 0;
  for (clock.nowMs = 0; clock.nowMs <= 3_600_000; clock.nowMs += 100) {
    if (limit.isBlocked("a")) continue;
    limit.count("a");
    tries += 1;
  }
  expect(tries).toBeLessThanOrEqual(20 + 20 * 60);
  expect(tries).toBeGreaterThan(20 * 60 - 20);
});

test("the table is bounded; who failed longest ago is forgotten first", () => {
  const { limit } = limitOf(1, 2);
  limit.count("a");
  limit.count("b");
  limit.count("a");
  limit.count("c");
  expect(limit.isBlocked("a")).toBe(true);
  expect(limit.isBlocked("b")).toBe(false);
  expect(limit.isBlocked("c")).toBe(true);
});

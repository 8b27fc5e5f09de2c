import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeadlineLane, type LaneEntry } from "../../src/limits/deadline-lane.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function entry(log: string[], name: string, again = false): LaneEntry {
  return {
    expired: () => {
      log.push(name);
      return again;
    },
  };
}

test("entries expire in the order in which they came, each after the whole period", () => {
  const log: string[] = [];
  const lane = new DeadlineLane(1_000);
  lane.add(entry(log, "first"));
  vi.advanceTimersByTime(400);
  lane.add(entry(log, "second"));
  vi.advanceTimersByTime(599);
  expect(log).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(log).toEqual(["first"]);
  vi.advanceTimersByTime(400);
  expect(log).toEqual(["first", "second"]);
  expect(lane.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is taken out does not expire", () => {
  const log: string[] = [];
  const lane = new DeadlineLane(1_000);
  const [gone, kept] = [entry(log, "gone"), entry(log, "kept")];
  lane.add(gone);
  lane.add(kept);
  expect(lane.oldest()).toBe(gone);
  expect(lane.delete(gone)).toBe(true);
  expect(lane.delete(gone)).toBe(false);
  expect(lane.oldest()).toBe(kept);
  vi.advanceTimersByTime(1_001);
  expect(log).toEqual(["kept"]);
});

test("without entries there is no timer", () => {
  const lane = new DeadlineLane(1_000);
  const only = entry([], "only");
  lane.add(only);
  expect(vi.getTimerCount()).toBe(1);
  lane.delete(only);
  expect(vi.getTimerCount()).toBe(0);
});

test("an entry may ask for another period, and be added from inside", () => {
  const log: string[] = [];
  const lane = new DeadlineLane(1_000);
  lane.add(entry(log, "again", true));
  lane.add({
    expired: () => {
      lane.add(entry(log, "born"));
      return false;
    },
  });
  vi.advanceTimersByTime(1_001);
  expect(log).toEqual(["again"]);
  vi.advanceTimersByTime(1_001);
  expect(log).toEqual(["again", "again", "born"]);
  expect(vi.getTimerCount()).toBe(1);
});

import { expect, test } from "vitest";
import { RuleLimits, type RuleShare } from "../../src/limits/rule-limits.ts";

test("sessions are counted for each user under each rule", () => {
  const limits = new RuleLimits();
  const first = limits.take(0, { sessions: 2 }, "user alice") as RuleShare;
  expect(limits.take(0, { sessions: 2 }, "user alice")).toBeDefined();
  expect(limits.take(0, { sessions: 2 }, "user alice")).toBeUndefined();
  expect(limits.take(0, { sessions: 2 }, "user bob")).toBeDefined();
  expect(limits.take(1, { sessions: 2 }, "user alice")).toBeDefined();
  limits.release(first);
  expect(limits.take(0, { sessions: 2 }, "user alice")).toBeDefined();
  expect(limits.take(0, { sessions: 2 }, "user alice")).toBeUndefined();
});

test("the rate is shared by the sessions of a user", () => {
  const limits = new RuleLimits();
  const [one, two] = [limits.take(0, { rate: 1_000 }, "user alice"), limits.take(0, { rate: 1_000 }, "user alice")];
  expect(one?.bucket).toBeDefined();
  expect(one?.bucket).toBe(two?.bucket);
  expect(limits.take(0, { rate: 1_000 }, "user bob")?.bucket).not.toBe(one?.bucket);
  expect(limits.take(0, { sessions: 1 }, "user carol")?.bucket).toBeUndefined();
});

import { expect, test } from "vitest";
import { Reporter } from "../../src/worker/reporter.ts";
import { unpackReports } from "../../src/worker/report-codec.ts";

test("few reports go at once, many wait for each other for 2 ms, and what is urgent takes all along", () => {
  const clock = { nowMs: 1_000 };
  const sent: number[] = [];
  const reporter = new Reporter((flat) => sent.push([...unpackReports(flat)].length), clock);
  const one = { type: "cancel", id: 1 } as const;
  for (let i = 0; i < 64; i++) reporter.report(one);
  expect(sent).toEqual(Array.from({ length: 64 }, () => 1));
  sent.length = 0;
  for (let i = 0; i < 10; i++) reporter.report(one);
  reporter.turned();
  expect(sent).toEqual([]);
  expect(reporter.dueInMs).toBe(2);
  clock.nowMs += 2;
  reporter.turned();
  expect(sent).toEqual([10]);
  expect(reporter.dueInMs).toBe(1_000);
  reporter.report(one);
  clock.nowMs += 0.5;
  reporter.report(one);
  reporter.urgent({ type: "resolve", id: 2, name: "a.example" });
  expect(sent.reduce((sum, count) => sum + count)).toBe(13);
  reporter.flush();
  expect(sent.at(-1)).not.toBe(0);
});

import { describe, expect, test } from "vitest";
import { simulate } from "./world.ts";

/** Schedules of a run; a nightly run or a person may ask for more, or for one of them. */
const SCHEDULES = Number(process.env["SOCKSKIT_TEST_SCHEDULES"] ?? 3_000);
const ONLY = process.env["SOCKSKIT_TEST_SEED"];

describe("the loop on a simulated kernel", () => {
  const seeds = ONLY === undefined ? Array.from({ length: SCHEDULES }, (_, index) => index + 1) : [Number(ONLY)];

  test(
    `${seeds.length} schedules: every octet arrives, and each descriptor is closed once`,
    { timeout: 600_000 },
    () => {
      let finished = 0;
      for (const seed of seeds) {
        const outcome = simulate(seed);
        finished += outcome.finished;
        expect(outcome.problems, `SOCKSKIT_TEST_SEED=${seed} repeats this`).toEqual([]);
      }
      if (ONLY === undefined) expect(finished).toBeGreaterThan(seeds.length / 2);
    },
  );
});

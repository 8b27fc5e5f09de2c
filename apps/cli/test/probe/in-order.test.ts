import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, test } from "vitest";

import { type InOrderOptions, runInOrder } from "../../src/probe/in-order.ts";

/** Runs with times instead of work; gives what came out, and how many ran at a time. */
async function outcome(timesMs: readonly number[], options: Partial<InOrderOptions<number, number>> = {}) {
  const results: number[] = [];
  const counts: number[] = [];
  let running = 0;
  let most = 0;
  await runInOrder<number, number>({
    inputs: timesMs.map((_, index) => index),
    concurrency: 3,
    work: async (index) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(timesMs[index]);
      running -= 1;
      return index;
    },
    onResult: (index) => Promise.resolve(void results.push(index)),
    onDone: (count) => counts.push(count),
    signal: new AbortController().signal,
    ...options,
  });
  return { results, counts, most };
}

describe("results", () => {
  test("come in the order of the inputs, whoever is first", async () => {
    const { results, counts, most } = await outcome([30, 1, 10, 1, 20, 1, 1]);
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  test("none is lost when writing is slower than the work", async () => {
    const results: number[] = [];
    await outcome([1, 1, 1, 1, 1, 1, 1, 1], {
      onResult: async (index) => {
        await sleep(index === 0 ? 30 : 1);
        results.push(index);
      },
    });
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("that cannot be written end it", async () => {
    const failure = new TypeError("full");
    let begun = 0;
    const work = (index: number): Promise<number> => {
      begun += 1;
      return Promise.resolve(index);
    };
    const run = outcome([0, 0, 0, 0, 0, 0], { concurrency: 1, work, onResult: () => Promise.reject(failure) });
    await expect(run).rejects.toBe(failure);
    expect(begun).toBe(1);
  });

  test("that are there are given out when it is stopped", async () => {
    const controller = new AbortController();
    const { results } = await outcome([10_000, 1, 10_000, 1], {
      concurrency: 4,
      signal: controller.signal,
      onDone: (count) => void (count === 2 && controller.abort()),
      work: (index) => (index % 2 === 0 ? new Promise(() => undefined) : Promise.resolve(index)),
    });
    expect(results).toEqual([1, 3]);
  });
});

test("nothing to do is done at once", async () => {
  expect((await outcome([])).results).toEqual([]);
});

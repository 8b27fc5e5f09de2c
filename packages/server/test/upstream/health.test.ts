import { describe, expect, test } from "vitest";
import { FIRST_ASIDE_MS, HealthMemory, MAX_ASIDE_MS } from "../../src/upstream/health.ts";
import type { Alternative } from "../../src/upstream/upstream-plan.ts";

const [A, B, C] = ["a", "b", "c"].map((key, index): Alternative => ({
  index,
  chain: [],
  hops: [],
  proxies: [],
  key,
})) as [Alternative, Alternative, Alternative];
const ALL = [A, B, C];

function keys(memory: HealthMemory, nowMs: number): string {
  return memory
    .order(ALL, nowMs)
    .map(({ key }) => key)
    .join("");
}

/** An attempt that begins and fails at the same time. */
function fail(memory: HealthMemory, alternative: Alternative, nowMs: number): number | undefined {
  return memory.begin(alternative, nowMs).failed(nowMs)?.retryMs;
}

test("the order is that of preference; who failed comes last until its time is over", () => {
  const memory = new HealthMemory();
  expect(keys(memory, 0)).toBe("abc");
  expect(fail(memory, A, 1_000)).toBe(FIRST_ASIDE_MS);
  expect(keys(memory, 1_000)).toBe("bca");
  expect(fail(memory, B, 1_001)).toBe(FIRST_ASIDE_MS);
  expect(keys(memory, 1_001)).toBe("cab");
  expect(keys(memory, 1_000 + FIRST_ASIDE_MS)).toBe("acb");
});

test("each failure doubles the time, up to a bound; a success forgets them", () => {
  const memory = new HealthMemory();
  const waits: (number | undefined)[] = [];
  let nowMs = 0;
  for (let count = 0; count < 10; count++) {
    const retryMs = fail(memory, A, nowMs);
    waits.push(retryMs);
    nowMs += retryMs ?? 0;
  }
  expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((factor) => factor * FIRST_ASIDE_MS));
  expect(waits.at(-1)).toBe(MAX_ASIDE_MS);
  expect(memory.begin(A, nowMs).succeeded()).toEqual({ failures: 10 });
  expect(memory.begin(A, nowMs).succeeded()).toBeUndefined();
  expect(keys(memory, nowMs)).toBe("abc");
  expect(fail(memory, A, nowMs)).toBe(FIRST_ASIDE_MS);
});

describe("sessions that go on at the same time", () => {
  test("count one failure once", () => {
    const memory = new HealthMemory();
    const attempts = [1, 2, 3].map((nowMs) => memory.begin(A, nowMs));
    expect(attempts.map((attempt) => attempt.failed(10)?.retryMs)).toEqual([FIRST_ASIDE_MS, undefined, undefined]);
  });

  test("who tries what is put aside, for want of others, makes it no worse", () => {
    const memory = new HealthMemory();
    fail(memory, A, 0);
    expect(fail(memory, A, 1)).toBeUndefined();
    expect(keys(memory, FIRST_ASIDE_MS)).toBe("abc");
    expect(memory.begin(A, 2).succeeded()).toEqual({ failures: 1 });
  });

  test("one finds out whether it works again, the others do not wait for that", () => {
    const memory = new HealthMemory();
    fail(memory, A, 0);
    expect(keys(memory, FIRST_ASIDE_MS)).toBe("abc");
    const probe = memory.begin(A, FIRST_ASIDE_MS);
    expect(keys(memory, FIRST_ASIDE_MS)).toBe("bca");
    probe.abandoned();
    expect(keys(memory, FIRST_ASIDE_MS)).toBe("abc");
    memory.begin(A, FIRST_ASIDE_MS).failed(FIRST_ASIDE_MS + 1);
    expect(keys(memory, FIRST_ASIDE_MS + 2)).toBe("bca");
    expect(keys(memory, 3 * FIRST_ASIDE_MS + 1)).toBe("abc");
  });

  test("an old failure does not put aside what has failed and come back since", () => {
    const memory = new HealthMemory();
    const old = memory.begin(A, 0);
    fail(memory, A, 5);
    old.failed(6);
    memory.begin(A, 7).succeeded();
    expect(keys(memory, 8)).toBe("abc");
  });
});

test("a reload forgets what is not there any more", () => {
  const memory = new HealthMemory();
  fail(memory, A, 0);
  fail(memory, B, 0);
  memory.retain(new Set(["b"]));
  expect(keys(memory, 1)).toBe("acb");
});

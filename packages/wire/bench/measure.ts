import assert from "node:assert/strict";

const ROUNDS = 9;
const ROUND_MS = 20;
/** As many as fit into the young generation that a process of Node grows to by itself (16 MiB). */
const COUNTED_OPERATIONS = 1_000;

/** What one operation costs. */
export interface Figures {
  /** Time of one operation: the best of several rounds. */
  readonly nanoseconds: number;
  /** Memory that one operation allocates, array buffers included: the median of several rounds. */
  readonly bytes: number;
}

/** Does the same thing `count` times. The loop is part of it, so that it is compiled for this thing alone. */
export type Operation = (count: number) => void;

/** Measures operations in turns, so that what else the machine does meets all of them alike. */
export function measure<T extends readonly Operation[]>(operations: T): { readonly [K in keyof T]: Figures } {
  const batches = operations.map((operation) => {
    let batch = 50_000;
    while (time(operation, batch) < ROUND_MS) batch *= 2;
    return batch;
  });
  const best = operations.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, operation] of operations.entries()) {
      const batch = batches[index] as number;
      best[index] = Math.min(best[index] as number, (time(operation, batch) / batch) * 1e6);
    }
  }
  const figures = operations.map((operation, index) => ({
    nanoseconds: best[index] as number,
    bytes: allocated(operation),
  }));
  return figures as unknown as { readonly [K in keyof T]: Figures };
}

function time(operation: Operation, count: number): number {
  const start = performance.now();
  operation(count);
  return performance.now() - start;
}

/** Counts so few that nothing is collected meanwhile. */
function allocated(operation: Operation): number {
  assert.ok(globalThis.gc !== undefined, "run this with the package's bench script: it needs --expose-gc");
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc();
    const before = process.memoryUsage();
    operation(COUNTED_OPERATIONS);
    const after = process.memoryUsage();
    rounds.push(after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers);
  }
  const median = rounds.toSorted((a, b) => a - b)[ROUNDS >>> 1] as number;
  return Math.max(0, Math.round(median / COUNTED_OPERATIONS));
}

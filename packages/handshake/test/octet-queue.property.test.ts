import { hex } from "@sockskit/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OctetQueue } from "../src/internal/octet-queue.ts";

const step = fc.record({
  push: fc.uint8Array({ maxLength: 20 }),
  consume: fc.nat({ max: 25 }),
  buffer: fc.boolean(),
  take: fc.boolean(),
});

test("it hands out what was put in, in order, and never looks at an old array again", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new OctetQueue();
      let expected: number[] = [];
      for (const { push, consume, buffer, take } of steps) {
        const chunk = buffer ? Buffer.from(push) : Uint8Array.from(push);
        queue.push(chunk);
        expected.push(...push);
        const count = Math.min(consume, expected.length);
        queue.consume(count);
        expected = expected.slice(count);
        expect(hex(queue.rest())).toBe(hex(Uint8Array.from(expected)));
        queue.settle();
        chunk.fill(0xee);
        expect(queue.length).toBe(expected.length);
        expect(queue.peek()).toBe(expected[0]);
        expect(hex(queue.rest())).toBe(hex(Uint8Array.from(expected)));
        if (!take) continue;
        const taken = queue.take();
        expect(taken === undefined ? [] : [...taken]).toEqual(expected);
        expected = [];
      }
    }),
    { numRuns: 500 },
  );
});

test("its storage does not grow with what passed through", () => {
  const queue = new OctetQueue();
  queue.push(new Uint8Array(3));
  queue.settle();
  for (let turn = 0; turn < 10_000; turn++) {
    queue.push(new Uint8Array(10));
    queue.consume(10);
    queue.settle();
  }
  expect(queue.length).toBe(3);
  expect(queue.rest().buffer.byteLength).toBeLessThanOrEqual(64);
});

test("octet by octet, not everything is copied each time", () => {
  const queue = new OctetQueue();
  const storages = new Set<ArrayBufferLike>();
  for (let count = 0; count < 0x10000; count++) {
    queue.push(Uint8Array.of(0x61));
    queue.settle();
    storages.add(queue.rest().buffer);
  }
  expect(queue.length).toBe(0x10000);
  // It doubles: 2^16 octets take 17 storages, one more for the first octet.
  expect(storages.size).toBeLessThanOrEqual(18);
});

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { FragmentReassembly, MAX_REASSEMBLED_LENGTH, splitDatagram } from "../../src/index.ts";

const destination = fc.constantFrom(
  { atyp: 0x01, dstAddr: Uint8Array.of(192, 0, 2, 7), dstPort: 7 },
  { atyp: 0x04, dstAddr: new Uint8Array(16).fill(0x20), dstPort: 53 },
);

test("what is split and put together again is what it was", () => {
  fc.assert(
    fc.property(
      destination,
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 60, max: 3000 }),
      (to, data, max) => {
        const machine = new FragmentReassembly();
        const datagram = { frag: 0x00, ...to, data };
        const delivered = splitDatagram(datagram, max).map((fragment) => machine.receive(fragment, 0));
        expect(delivered.pop()).toEqual(datagram);
        expect(delivered.every((value) => value === undefined)).toBe(true);
        expect(machine.bufferedLength).toBe(0);
      },
    ),
  );
});

test("whatever comes, the bounds hold and every fragment is held, delivered or counted", () => {
  const fragment = fc.record({
    frag: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 0xff })),
    to: destination,
    length: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 40_000 })),
    pauseMs: fc.integer({ min: 0, max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 40 }), (fragments) => {
      const machine = new FragmentReassembly();
      let nowMs = 0;
      for (const { frag, to, length, pauseMs } of fragments) {
        nowMs += pauseMs;
        const delivered = machine.receive({ frag, ...to, data: new Uint8Array(length) }, nowMs);
        expect(machine.bufferedLength).toBeLessThanOrEqual(MAX_REASSEMBLED_LENGTH);
        if (frag === 0) expect(delivered?.data).toHaveLength(length);
        if (delivered !== undefined) expect(machine.bufferedLength).toBe(0);
        expect(machine.nextTimeoutMs(nowMs) ?? 1).toBeGreaterThan(0);
      }
      machine.clear();
      expect(machine.droppedCount).toBeLessThanOrEqual(fragments.length);
    }),
  );
});

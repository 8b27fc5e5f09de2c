import { setTimeout as sleep } from "node:timers/promises";

import { openDescriptors } from "@sockskit/testing";
import { expect } from "vitest";

/** How many of each this process holds: descriptors, and the handles, requests and timers that keep it running. */
export type Resources = Readonly<Record<string, number>>;

/** Counts what this process holds now. */
export function heldResources(): Resources {
  const counts: Record<string, number> = { descriptors: openDescriptors() ?? 0 };
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Waits until the process holds no more than it held before, of anything; fails when that takes five seconds. */
export async function expectReleased(before: Resources): Promise<void> {
  let more: Record<string, number> = {};
  for (const start = performance.now(); performance.now() - start < 5000; await sleep(10)) {
    const excess = Object.entries(heldResources()).filter(([name, count]) => count > (before[name] ?? 0));
    more = Object.fromEntries(excess);
    if (excess.length === 0) return;
  }
  expect(more, "resources that were not released").toEqual({});
}

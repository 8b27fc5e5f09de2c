import type { DatagramCounts, DropReason } from "./datagram-counts.ts";
import type { LaneFigures } from "./flow-lane.ts";

/** Counts what becomes of the datagrams of one association. */
export class DatagramCounter {
  in = 0;
  out = 0;
  bytesIn = 0;
  bytesOut = 0;
  errors = 0;
  readonly #dropped: Record<DropReason, number> = {
    stranger: 0,
    malformed: 0,
    fragment: 0,
    denied: 0,
    limit: 0,
    unresolved: 0,
    unsolicited: 0,
    tooLong: 0,
    unsent: 0,
    upstream: 0,
  };

  /** Counts datagrams that go no further. */
  drop(reason: DropReason, count = 1): void {
    this.#dropped[reason] += count;
  }

  /** The figures of this moment, with those of somebody who relays for it. */
  counts(others: LaneFigures | undefined): DatagramCounts {
    const dropped = { ...this.#dropped };
    for (const [reason, count] of Object.entries(others?.dropped ?? {})) dropped[reason as DropReason] += count;
    return {
      in: this.in + (others?.in ?? 0),
      out: this.out + (others?.out ?? 0),
      dropped,
      errors: this.errors + (others?.errors ?? 0),
    };
  }
}

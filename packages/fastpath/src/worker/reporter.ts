import { MAX_WAIT_MS } from "../loop/loop.ts";
import type { Report } from "./protocol.ts";
import { type PackedReports, ReportWriter } from "./report-codec.ts";

/** Longest time that a report waits for others, in milliseconds. */
const MAX_DELAY_MS = 2;
/** Messages that may go at once; more wait for others, because each wakes the other side up. */
const BURST = 64;
const MESSAGES_PER_MS = 0.5;

/**
 * Sends reports to the other side: each at once while there are few, many together when there are many. What somebody
 * waits for goes at once in any case, with everything before it.
 */
export class Reporter {
  readonly #send: (reports: PackedReports) => void;
  readonly #clock: { readonly nowMs: number };
  readonly #waiting = new ReportWriter();
  #waitingSinceMs = 0;
  #credit = BURST;
  #creditAtMs = 0;

  constructor(send: (reports: PackedReports) => void, clock: { readonly nowMs: number }) {
    this.#send = send;
    this.#clock = clock;
  }

  /** How long the loop may wait before {@link turned} is to be called. */
  get dueInMs(): number {
    return this.#waiting.isEmpty ? MAX_WAIT_MS : MAX_DELAY_MS;
  }

  /** Takes a report. */
  report(report: Report): void {
    const { nowMs } = this.#clock;
    if (this.#waiting.isEmpty) this.#waitingSinceMs = nowMs;
    this.#waiting.add(report);
    this.#credit = Math.min(BURST, this.#credit + (nowMs - this.#creditAtMs) * MESSAGES_PER_MS);
    this.#creditAtMs = nowMs;
    if (this.#credit < 1) return;
    this.#credit -= 1;
    this.flush();
  }

  /** Takes a report that somebody waits for. */
  urgent(report: Report): void {
    this.#waiting.add(report);
    this.flush();
  }

  /** A turn of the loop is over. */
  turned(): void {
    if (!this.#waiting.isEmpty && this.#clock.nowMs - this.#waitingSinceMs >= MAX_DELAY_MS) this.flush();
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#waiting.isEmpty) return;
    this.#send(this.#waiting.take());
  }
}

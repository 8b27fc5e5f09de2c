import type { LaneEntry } from "../limits/deadline-lane.ts";
import type { SessionHost } from "../session/host.ts";
import type { Lanes } from "../session/settings.ts";

/** Who has a {@link Seat}. */
interface Seated extends LaneEntry {
  /** Ends it at once. */
  stop(reason: "server-closed" | "evicted"): void;
}

/**
 * A place among the unfinished handshakes, with the deadline that holds from accepting a connection to its request. It
 * passes from the arrival of a connection to its session: the clock goes on, and nobody is counted twice.
 */
export class Seat implements LaneEntry {
  /** When it was taken. */
  readonly takenAtMs: number = performance.now();
  /** Who has it now. */
  holder: Seated;
  readonly #tally: SessionHost["tally"];
  readonly #lanes: Lanes;
  #isTaken = true;

  constructor({ tally, settings }: SessionHost, holder: Seated) {
    this.holder = holder;
    this.#tally = tally;
    this.#lanes = settings.lanes;
    this.#tally.handshakes += 1;
    this.#lanes.handshake.add(this);
  }

  /** Gives it back; once is enough. */
  leave(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#tally.handshakes -= 1;
    this.#lanes.handshake.delete(this);
    this.#lanes.answer.delete(this);
  }

  /** Whoever answers a question gets a time of their own for it, and then that of the handshake again. */
  awaitAnswer(isAwaited: boolean): void {
    const { handshake, answer } = this.#lanes;
    const [from, to] = isAwaited ? [handshake, answer] : [answer, handshake];
    if (from.delete(this)) to.add(this);
  }

  /** The time is up. */
  expired(nowMs: number): boolean {
    return this.holder.expired(nowMs);
  }
}

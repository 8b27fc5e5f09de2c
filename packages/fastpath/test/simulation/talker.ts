import type { End } from "./connection.ts";
import { octetAt } from "./octet-stream.ts";
import type { Random } from "./random.ts";

/** How somebody at the far end behaves. */
export interface Plan {
  /** Number of the stream that it sends, and how much of it. */
  readonly sends: number;
  readonly length: number;
  /** Number of the stream that it must get. */
  readonly expects: number;
  /** It resets its connection after that many octets were sent; absent: it ends properly. */
  readonly resetsAfter: number | undefined;
  /** How often it does nothing when it could do something. */
  readonly laziness: number;
}

/** Somebody who sends octets, reads octets, checks each of them, and ends. */
export class Talker {
  readonly plan: Plan;
  end: End | undefined;
  sent = 0;
  received = 0;
  sawEnd = false;
  sawReset = false;
  hasReset = false;
  problem: string | undefined;
  readonly #random: Random;

  constructor(plan: Plan, random: Random) {
    this.plan = plan;
    this.#random = random;
  }

  /** Whether nothing is left to do. */
  get isDone(): boolean {
    return this.sawReset || this.hasReset || (this.sawEnd && this.end?.outgoing.ended === true);
  }

  /** Does one thing, or says that there is nothing to be done now. */
  step(): boolean {
    const { end } = this;
    if (end === undefined || this.isDone) return false;
    if (end.isReset && end.incoming.length === 0) {
      this.sawReset = true;
      return true;
    }
    if (this.#random.chance(this.plan.laziness)) return this.canReceive(end) || this.canSend(end);
    return this.#random.chance(0.5) ? this.#receive(end) || this.#send(end) : this.#send(end) || this.#receive(end);
  }

  protected canSend(end: End): boolean {
    return !end.outgoing.ended && (this.sent === this.plan.length || end.outgoing.room > 0);
  }

  protected canReceive(end: End): boolean {
    return end.incoming.length > 0 || (end.incoming.ended && !this.sawEnd);
  }

  #receive(end: End): boolean {
    if (!this.canReceive(end)) return false;
    if (end.incoming.length === 0) {
      this.sawEnd = true;
      return true;
    }
    for (const octet of end.receive(this.#random.pick([1, 100, 5_000, 100_000]))) {
      if (octet !== octetAt(this.plan.expects, this.received)) {
        this.problem ??= `octet ${this.received} of stream ${this.plan.expects} is wrong`;
      }
      this.received += 1;
    }
    return true;
  }

  #send(end: End): boolean {
    if (!this.canSend(end)) return false;
    const { resetsAfter, length, sends } = this.plan;
    if (resetsAfter !== undefined && this.sent >= resetsAfter) {
      this.hasReset = true;
      end.reset();
      return true;
    }
    if (this.sent === length) {
      end.finish();
      return true;
    }
    const most = Math.min(length, resetsAfter ?? length) - this.sent;
    const octets = new Uint8Array(Math.min(most, this.#random.pick([1, 30, 3_000, 70_000])));
    for (let i = 0; i < octets.length; i++) octets[i] = octetAt(sends, this.sent + i);
    this.sent += end.send(octets);
    return true;
  }
}

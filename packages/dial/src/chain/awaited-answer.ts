import type { HopReference } from "../errors.ts";
import type { Activity } from "../internal/operation.ts";
import type { Hop } from "./hop.ts";

/** The answer to a question of a proxy, while it is awaited from a person. */
export class AwaitedAnswer implements Activity {
  readonly #hop: Hop;

  constructor(hop: Hop) {
    this.#hop = hop;
  }

  reference(): HopReference {
    return this.#hop.reference();
  }

  awaited(): string {
    return `an answer to the question of ${this.#hop.title()}`;
  }
}

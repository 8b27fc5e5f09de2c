import type { Loop } from "../loop/loop.ts";
import type { RelayOrder, RelayReport } from "./orders.ts";
import { Outbox } from "./outbox.ts";
import { DatagramRelay } from "./relay.ts";

/** The relays of one thread, and the memory that they share. */
export class RelayTable {
  readonly #loop: Loop;
  readonly #report: (id: number, report: RelayReport) => void;
  readonly #relays = new Map<number, DatagramRelay>();
  readonly #seed: number;
  #outbox: Outbox | undefined;

  /** @param seed Chosen by nobody outside. */
  constructor(loop: Loop, report: (id: number, report: RelayReport) => void, seed: number) {
    this.#loop = loop;
    this.#report = report;
    this.#seed = seed;
  }

  /** Does what the owner of a relay wants. */
  obey(id: number, order: RelayOrder): void {
    if (order.type === "open") {
      const calls = this.#loop.kernel.datagrams;
      const outbox = (this.#outbox ??= new Outbox(calls));
      const report = (said: RelayReport): void => this.#report(id, said);
      this.#relays.set(id, new DatagramRelay({ loop: this.#loop, calls, outbox, seed: this.#seed, report }, order));
      return;
    }
    const relay = this.#relays.get(id);
    if (relay === undefined) return;
    switch (order.type) {
      case "reach":
        return relay.open(order.side, order.fd);
      case "flow":
        return relay.add(order.flow);
      case "forget":
        return relay.forget(order.slot);
      case "send":
        return relay.send(order.side, order.data, order.to);
      case "close":
        this.#relays.delete(id);
        return relay.close();
    }
  }

  /** Has everything decided again: the rules have changed. */
  forgetFlows(): void {
    for (const relay of this.#relays.values()) relay.forgetAll();
  }

  /** Closes all of them. */
  close(): void {
    for (const relay of this.#relays.values()) relay.close();
    this.#relays.clear();
  }
}

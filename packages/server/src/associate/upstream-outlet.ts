import type { UdpAssociation } from "@sockskit/dial";
import type { Address } from "@sockskit/wire";
import type { AssociatedThrough } from "../upstream/associate-through.ts";
import type { DropReason } from "./datagram-counts.ts";

/** Datagrams that wait for an upstream to relay them. */
const MAX_WAITING_FOR_UPSTREAM = 16;
/** What the system may have to send yet, in bytes. */
const MAX_UNSENT_LENGTH = 0x40000;
/** After a failure nothing is opened for so long, whatever the client sends, in milliseconds. */
const REOPEN_PAUSE_MS = 1_000;

interface Waiting {
  readonly data: Uint8Array;
  readonly address: Address;
}

/** What an {@link UpstreamOutlet} tells its owner. */
export interface UpstreamOutletEvents {
  /** A datagram came from an upstream, and who sent it, as the upstream says. */
  readonly onAnswer: (data: Buffer, source: Address) => void;
  /** A datagram that was taken does not go out. */
  readonly onDropped: (reason: DropReason) => void;
}

/** Opens an association at an upstream, which ends with the signal. */
export type OpenUpstream = (
  signal: AbortSignal,
  onMessage: (data: Buffer, source: Address) => void,
  onClosed: () => void,
) => Promise<AssociatedThrough>;

/**
 * How datagrams leave by one upstream. Its association is opened for the first of them, and again when it has ended
 * meanwhile: upstreams end what is idle.
 */
export class UpstreamOutlet {
  readonly #open: OpenUpstream;
  readonly #events: UpstreamOutletEvents;
  readonly #closed = new AbortController();
  #association: UdpAssociation | undefined;
  #waiting: Waiting[] | undefined;
  #pausedUntilMs = 0;
  #unsentLength = 0;

  constructor(open: OpenUpstream, events: UpstreamOutletEvents) {
    this.#open = open;
    this.#events = events;
  }

  /** Sends a datagram; why it does not go, when that is known at once. */
  send(data: Uint8Array, address: Address): DropReason | undefined {
    const association = this.#association;
    if (association !== undefined && !association.closed) return this.#sendBy(association, data, address);
    if (this.#waiting === undefined) {
      if (performance.now() < this.#pausedUntilMs) return "upstream";
      this.#waiting = [];
      void this.#begin(this.#waiting);
    }
    if (this.#waiting.length >= MAX_WAITING_FOR_UPSTREAM) return "limit";
    this.#waiting.push({ data, address });
    return undefined;
  }

  /** Closes it; nothing is told any more. */
  close(): void {
    this.#closed.abort();
  }

  async #begin(waiting: readonly Waiting[]): Promise<void> {
    const { signal } = this.#closed;
    const onAnswer = (data: Buffer, source: Address): void => {
      if (!signal.aborted) this.#events.onAnswer(data, source);
    };
    try {
      const { association } = await this.#open(signal, onAnswer, () => this.#pause());
      this.#waiting = undefined;
      if (signal.aborted) return association.close();
      this.#association = association;
      for (const { data, address } of waiting) {
        const reason = this.#sendBy(association, data, address);
        if (reason !== undefined) this.#events.onDropped(reason);
      }
    } catch {
      // What it was is told by the memory of upstreams.
      this.#waiting = undefined;
      this.#pause();
      if (!signal.aborted) for (const _ of waiting) this.#events.onDropped("upstream");
    }
    return undefined;
  }

  #sendBy(association: UdpAssociation, data: Uint8Array, address: Address): DropReason | undefined {
    if (this.#unsentLength + data.length > MAX_UNSENT_LENGTH) return "limit";
    this.#unsentLength += data.length;
    association.send(data, address).then(
      () => {
        this.#unsentLength -= data.length;
      },
      (error: unknown) => {
        this.#unsentLength -= data.length;
        if (this.#closed.signal.aborted) return;
        const isTooLong = (error as { readonly code?: unknown }).code === "ERR_SOCKS_OVERFLOW";
        this.#events.onDropped(isTooLong ? "tooLong" : "unsent");
      },
    );
    return undefined;
  }

  #pause(): void {
    this.#pausedUntilMs = performance.now() + REOPEN_PAUSE_MS;
  }
}

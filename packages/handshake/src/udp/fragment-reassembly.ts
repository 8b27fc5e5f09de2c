import type { UdpDatagram } from "@sockskit/wire";

import { HandshakeError } from "../errors.ts";
import { LAST_FRAGMENT, POSITION } from "./frag.ts";

/** Shortest time in milliseconds that an incomplete sequence is kept, and the default (RFC 1928 section 7). */
export const MIN_REASSEMBLY_TIMEOUT_MS = 5000;
/** Longest time in milliseconds that an incomplete sequence can be kept. */
export const MAX_REASSEMBLY_TIMEOUT_MS = 60_000;
/** Most octets of data that a {@link FragmentReassembly} holds: what IPv4's and UDP's own headers leave of one packet. */
export const MAX_REASSEMBLED_LENGTH: number = 0xffff - 20 - 8;

/** How a {@link FragmentReassembly} works. */
export interface FragmentReassemblyOptions {
  /** How long an incomplete sequence is kept after its first fragment, in milliseconds, 5000 to 60000. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Puts the fragments of one association and one direction together (RFC 1928 section 7), without I/O and without a clock.
 *
 * There is one queue. Fragments must come in their order: a gap, a step back, another destination or too much data
 * abandons it. A whole datagram passes through and abandons it too. It holds at most 127 fragments with
 * {@link MAX_REASSEMBLED_LENGTH} octets of data, as copies.
 *
 * The owner brings the time (`nowMs`, any clock that does not go back). A sequence that is too old is never completed;
 * `tick`, when `nextTimeoutMs` has passed, frees its memory even when nothing more comes.
 */
export class FragmentReassembly {
  readonly #timeoutMs: number;
  #first: UdpDatagram | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;
  #endsAtMs = 0;
  #droppedCount = 0;

  /**
   * @param options - How long to wait.
   * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(options?: FragmentReassemblyOptions) {
    const { timeoutMs = MIN_REASSEMBLY_TIMEOUT_MS } = options ?? {};
    if (!(timeoutMs >= MIN_REASSEMBLY_TIMEOUT_MS && timeoutMs <= MAX_REASSEMBLY_TIMEOUT_MS)) {
      const range = `${MIN_REASSEMBLY_TIMEOUT_MS} to ${MAX_REASSEMBLY_TIMEOUT_MS}`;
      throw new HandshakeError("ERR_SOCKS_BAD_OPTION", `timeoutMs is ${timeoutMs}, expected ${range}`, {
        side: "local",
        stage: "request",
      });
    }
    this.#timeoutMs = timeoutMs;
  }

  /** Octets of data that are held. */
  get bufferedLength(): number {
    return this.#length;
  }

  /** Fragments that were dropped since the beginning, those of abandoned sequences included. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /**
   * Takes a datagram. Its octets may be overwritten after the call.
   *
   * @returns the datagram to deliver: a whole one (`FRAG` 0x00) as it was passed in, or the reassembled one with the
   *   destination of its first fragment. `undefined` when there is none.
   */
  receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    if (datagram.frag === 0x00) {
      this.clear();
      return datagram;
    }
    this.tick(nowMs);
    const position = datagram.frag & POSITION;
    const highest = this.#parts.length;
    // 0x80 is the end of nothing; a duplicate is no step back: RFC 1928 speaks of "less than".
    if (position === 0 || position === highest) return this.#drop();
    if (position === 1) {
      this.clear();
      this.#endsAtMs = nowMs + this.#timeoutMs;
    } else if (position !== highest + 1 || !this.#continues(datagram)) {
      this.clear();
      return this.#drop();
    }
    if (this.#length + datagram.data.length > MAX_REASSEMBLED_LENGTH) {
      this.clear();
      return this.#drop();
    }
    this.#first ??= { ...datagram, frag: 0x00, dstAddr: new Uint8Array(datagram.dstAddr) };
    this.#parts.push(new Uint8Array(datagram.data));
    this.#length += datagram.data.length;
    return (datagram.frag & LAST_FRAGMENT) === 0 ? undefined : this.#complete(this.#first);
  }

  /** Abandons the sequence if its time is over. May be called at any time. */
  tick(nowMs: number): void {
    if (this.#first !== undefined && nowMs >= this.#endsAtMs) this.clear();
  }

  /** Milliseconds until `tick` is due; `undefined` while nothing is held. */
  nextTimeoutMs(nowMs: number): number | undefined {
    return this.#first === undefined ? undefined : Math.max(0, this.#endsAtMs - nowMs);
  }

  /** Abandons what is held. */
  clear(): void {
    this.#droppedCount += this.#parts.length;
    this.#reset();
  }

  #continues({ atyp, dstAddr, dstPort }: UdpDatagram): boolean {
    const first = this.#first;
    if (first === undefined || atyp !== first.atyp || dstPort !== first.dstPort) return false;
    return dstAddr.length === first.dstAddr.length && dstAddr.every((octet, index) => octet === first.dstAddr[index]);
  }

  #complete(first: UdpDatagram): UdpDatagram {
    const data = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      data.set(part, offset);
      offset += part.length;
    }
    this.#reset();
    return { ...first, data };
  }

  #drop(): undefined {
    this.#droppedCount += 1;
  }

  #reset(): void {
    this.#first = undefined;
    this.#parts = [];
    this.#length = 0;
  }
}

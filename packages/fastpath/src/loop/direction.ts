import { ERRNO, LINUX, MEMORY, TRANSFER_LENGTH } from "../kernel/layout.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Endpoint } from "./endpoint.ts";
import { joined } from "./joined.ts";
import { type Pipe, PIPE_CAPACITY, type PipePool } from "./pipe-pool.ts";

/** What directions share. */
export interface Transport {
  readonly kernel: Kernel;
  readonly pipes: PipePool;
  /** Totals, where others can read them. */
  readonly counters: Float64Array;
  /** The time of this turn of the loop. */
  readonly nowMs: number;
}

/** How a pump ended. */
export const PUMP = {
  /** Nothing more can be done until an event comes. */
  waits: 0,
  /** Its share of this turn is used up. */
  more: 1,
  /** Everything was sent on, the end included. */
  finished: 2,
  /** The sender's connection failed. */
  senderFailed: 3,
  /** The receiver's connection failed. */
  receiverFailed: 4,
} as const;

/** After so much of one direction others get their turn. */
const TURN_BYTES = 0x40000;
/** A transfer through a pipe that moved less goes on with read and write, which cost fewer calls. */
const SMALL_TRANSFER = 0x2000;

/**
 * One direction of a tunnel: what one socket receives, the other one sends.
 *
 * Nothing is read while something that was read has not been sent. Small amounts are read and written; a read that
 * fills its buffer makes the next ones go through a pipe with `splice`, without a copy, until they are small again.
 */
export class Direction {
  /** Bytes sent on. */
  bytes = 0;
  /** When something moved last. */
  activeAtMs: number = -Infinity;
  /** Error number of the failure that the last pump met. */
  errno = 0;
  /** Whether the sender has ended. */
  ended = false;
  readonly #counter: number;
  /** What was read, and the receiver has not taken. */
  #pending: Uint8Array | undefined;
  /** How much of it is not the tunnel's: the last words of the handshake. */
  #uncounted = 0;
  #pipe: Pipe | undefined;
  #bulk = false;
  #finished = false;

  /** @param counter Which of the totals it counts in. */
  constructor(counter: number) {
    this.#counter = counter;
  }

  /** Whether the end was sent on. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Whether something waits for the receiver. */
  get isHolding(): boolean {
    return this.#pending !== undefined || this.#pipe !== undefined;
  }

  /** Sends octets that nobody else has: of the handshake, or what came behind it. They may be overwritten afterwards. */
  send(octets: Uint8Array, to: Endpoint, transport: Transport, isCounted: boolean): number {
    if (!isCounted) this.#uncounted += octets.length;
    this.#pending = this.#pending === undefined ? octets.slice() : joined(this.#pending, octets);
    return this.flush(to, transport);
  }

  /** Takes out what was not sent. */
  takePending(): Uint8Array | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#uncounted = 0;
    return pending;
  }

  /** Sends what waits. */
  flush(to: Endpoint, transport: Transport): number {
    const { kernel } = transport;
    while (this.#pending !== undefined) {
      if (!to.writable) return PUMP.waits;
      const pending = this.#pending;
      const length = Math.min(pending.length, TRANSFER_LENGTH);
      kernel.memory.set(length === pending.length ? pending : pending.subarray(0, length), MEMORY.write);
      const written = kernel.write(to.fd, MEMORY.write, length);
      if (written < 0) {
        if (written === -ERRNO.EINTR) continue;
        if (written !== -ERRNO.EAGAIN) return this.#fail(PUMP.receiverFailed, written);
        to.writable = false;
        return PUMP.waits;
      }
      this.#pending = written < pending.length ? pending.subarray(written) : undefined;
      this.#count(written, transport);
    }
    return PUMP.finished;
  }

  /** Moves what can be moved. */
  pump(from: Endpoint, to: Endpoint, transport: Transport): number {
    const end = this.bytes + TURN_BYTES;
    for (;;) {
      if (this.#pending !== undefined) {
        const flushed = this.flush(to, transport);
        if (flushed !== PUMP.finished) return flushed;
      }
      if (this.#pipe !== undefined) {
        const drained = this.#drain(this.#pipe, to, transport);
        if (drained !== PUMP.finished) return drained;
      }
      if (this.ended) return this.#finish(to, transport);
      if (!from.readable || !to.writable) {
        this.#givePipe(transport);
        return PUMP.waits;
      }
      if (this.bytes >= end) return PUMP.more;
      const moved = this.#bulk ? this.#fill(from, transport) : this.#copy(from, to, transport);
      if (moved > PUMP.finished) return moved;
    }
  }

  /** Gives up what it holds. */
  stop(transport: Transport): void {
    this.#pending = undefined;
    this.#givePipe(transport);
  }

  /** One read and one write. */
  #copy(from: Endpoint, to: Endpoint, transport: Transport): number {
    const { kernel } = transport;
    const length = kernel.read(from.fd, MEMORY.read, TRANSFER_LENGTH);
    if (length <= 0) return this.#stopReading(from, length);
    // Fewer octets than there is room for are all that there were: the next ones come with a new event.
    if (length < TRANSFER_LENGTH && !from.careful) from.readable = false;
    this.#bulk = length === TRANSFER_LENGTH;
    let written = kernel.write(to.fd, MEMORY.read, length);
    if (written < 0) {
      if (written === -ERRNO.EAGAIN) to.writable = false;
      else if (written !== -ERRNO.EINTR) return this.#fail(PUMP.receiverFailed, written);
      written = 0;
    }
    this.#count(written, transport);
    if (written < length) this.#pending = kernel.memory.slice(MEMORY.read + written, MEMORY.read + length);
    return PUMP.waits;
  }

  /** Fills the pipe, which is empty: so EAGAIN speaks of the sender. */
  #fill(from: Endpoint, transport: Transport): number {
    const pipe = (this.#pipe ??= transport.pipes.take());
    if (pipe === undefined) {
      this.#bulk = false;
      return PUMP.waits;
    }
    const length = transport.kernel.splice(from.fd, pipe.writeFd, PIPE_CAPACITY);
    if (length <= 0) return this.#stopReading(from, length);
    pipe.bytes = length;
    this.#bulk = length >= SMALL_TRANSFER;
    return PUMP.waits;
  }

  #drain(pipe: Pipe, to: Endpoint, transport: Transport): number {
    while (pipe.bytes > 0) {
      if (!to.writable) return PUMP.waits;
      const length = transport.kernel.splice(pipe.readFd, to.fd, pipe.bytes);
      if (length <= 0) {
        if (length === -ERRNO.EINTR) continue;
        if (length !== -ERRNO.EAGAIN) return this.#fail(PUMP.receiverFailed, length);
        to.writable = false;
        return PUMP.waits;
      }
      pipe.bytes -= length;
      this.#count(length, transport);
    }
    if (!this.#bulk) this.#givePipe(transport);
    return PUMP.finished;
  }

  #finish(to: Endpoint, transport: Transport): number {
    this.#givePipe(transport);
    if (!this.#finished) {
      this.#finished = true;
      transport.kernel.shutdown(to.fd, LINUX.SHUT_WR);
    }
    return PUMP.finished;
  }

  /** A read gave nothing: for now, for ever, or because the connection failed. */
  #stopReading(from: Endpoint, result: number): number {
    if (result === 0) this.ended = true;
    else if (result === -ERRNO.EAGAIN) from.readable = false;
    else if (result !== -ERRNO.EINTR) return this.#fail(PUMP.senderFailed, result);
    return PUMP.waits;
  }

  #fail(how: number, result: number): number {
    this.errno = -result;
    return how;
  }

  #count(bytes: number, transport: Transport): void {
    const { nowMs, counters } = transport;
    this.activeAtMs = nowMs;
    if (this.#uncounted > 0) {
      const foreign = Math.min(this.#uncounted, bytes);
      this.#uncounted -= foreign;
      bytes -= foreign;
    }
    this.bytes += bytes;
    (counters[this.#counter] as number) += bytes;
  }

  #givePipe(transport: Transport): void {
    if (this.#pipe === undefined) return;
    transport.pipes.give(this.#pipe);
    this.#pipe = undefined;
  }
}

import type { Socket } from "node:net";
import type { RateBucket, RateWaiter } from "../limits/rate-bucket.ts";

/**
 * One direction of a tunnel: what one socket receives, the other one sends.
 *
 * One chunk is in flight at a time: while the operating system has not taken all of it, nothing more is read. So a
 * slow reader costs two chunks of memory at most, one that is being sent and one that Node had read already.
 */
export class Direction implements RateWaiter {
  /** Bytes given to the receiving socket. */
  bytes = 0;
  /** When something moved last. */
  activeAtMs: number = performance.now();
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #bucket: RateBucket | undefined;
  readonly #written = (): void => this.#continue();
  /** The chunk in flight, until the system has taken all of it. */
  #chunk: Uint8Array | undefined;
  /** What the rate has not let through of it. */
  #held: Uint8Array | undefined;
  #paused = false;
  #ended = false;

  constructor(from: Socket, to: Socket, bucket: RateBucket | undefined) {
    this.#from = from;
    this.#to = to;
    this.#bucket = bucket;
  }

  /** Begins to carry, with `early` first. */
  start(early: Uint8Array | undefined): void {
    this.#from.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#from.on("end", () => this.#finish());
    if (early !== undefined) this.#take(early);
    if (this.#from.readableEnded) this.#finish();
    else if (!this.#paused) this.#from.resume();
  }

  /** Stops waiting for the rate. */
  stop(): void {
    this.#held = undefined;
    this.#bucket?.leave(this);
  }

  /** How much waits for the rate. */
  get wanted(): number {
    return this.#held?.length ?? 0;
  }

  /** Sends part of what waits. */
  grant(bytes: number): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = bytes < held.length ? held.subarray(bytes) : undefined;
    this.#write(bytes < held.length ? held.subarray(0, bytes) : held);
    this.#continue();
  }

  #take(chunk: Uint8Array): void {
    this.#chunk = chunk;
    if (this.#bucket !== undefined) {
      this.#pause();
      this.#held = chunk;
      this.#bucket.wait(this);
      return;
    }
    this.#write(chunk);
    // Not what write() returned: a chunk that the system took whole needs no pause, however long it is.
    if (this.#to.writableLength > 0) this.#pause();
    else this.#release();
  }

  #write(octets: Uint8Array): void {
    this.bytes += octets.length;
    this.activeAtMs = performance.now();
    this.#to.write(octets, this.#written);
  }

  /** Goes on once the system has taken what was written: with the rest of the chunk, or with reading. */
  #continue(): void {
    if (!this.#paused || this.#to.writableLength > 0) return;
    if (this.#held !== undefined) {
      this.#bucket?.wait(this);
      return;
    }
    this.#release();
    this.#paused = false;
    this.activeAtMs = performance.now();
    if (this.#ended) this.#to.end();
    else this.#from.resume();
  }

  #release(): void {
    if (this.#chunk !== undefined) freeMemory(this.#chunk);
    this.#chunk = undefined;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#from.pause();
  }

  #finish(): void {
    this.#ended = true;
    // With something held back the end follows behind it.
    if (this.#held === undefined) this.#to.end();
  }
}

/** Shorter chunks are left to the garbage collector. */
const MIN_FREED_LENGTH = 4_096;

/**
 * Gives a chunk's memory back at once.
 *
 * Node reads each chunk into memory of its own. Left to the garbage collector, that memory makes V8 look through the
 * whole heap after every 64 MB or so, which costs the more the larger the program is.
 */
function freeMemory(chunk: Uint8Array): void {
  const { buffer } = chunk;
  // A part of something larger is not ours alone.
  if (chunk.length < MIN_FREED_LENGTH || chunk.length !== buffer.byteLength) return;
  (buffer as TransferableBuffer).transfer(0);
}

/** ES2024, which every supported Node has. */
type TransferableBuffer = ArrayBufferLike & { transfer(newLength: number): ArrayBuffer };

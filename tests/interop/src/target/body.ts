import { createHash } from "node:crypto";
import { Readable } from "node:stream";

/** Largest body of the suite: 256 MiB. */
export const LARGE: number = 256 * 1024 * 1024;

/**
 * What bodies repeat. Its length is a prime, so no usual buffer size divides it: a chunk that is lost, doubled
 * or swapped changes the digest.
 */
const BLOCK: Buffer = pseudoRandom(1_048_573);

/** Digest and length of what was received, as the targets write it. */
export interface Received {
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
  /** Number of bytes. */
  readonly byteLength: number;
}

const known = new Map<number, Received>();

/** What a correctly transferred body of `byteLength` bytes amounts to. */
export function bodyOf(byteLength: number): Received {
  let received = known.get(byteLength);
  if (received === undefined) {
    const sum = new Sum();
    for (const chunk of chunks(byteLength)) sum.add(chunk);
    received = sum.result();
    known.set(byteLength, received);
  }
  return received;
}

/** The body of `byteLength` bytes, made while it is read. */
export function bodyStream(byteLength: number): Readable {
  return Readable.from(chunks(byteLength), { objectMode: false, highWaterMark: 1024 * 1024 });
}

/** Adds up what arrives. */
export class Sum {
  readonly #hash = createHash("sha256");
  #byteLength = 0;

  /** Takes the next piece. */
  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#byteLength += chunk.length;
  }

  /** Number of bytes so far. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** What arrived in all. Call it once. */
  result(): Received {
    return { digest: this.#hash.digest("hex"), byteLength: this.#byteLength };
  }
}

/** `digest length` on one line: the answer of a target that received a body. */
export function formatReceived({ digest, byteLength }: Received): string {
  return `${digest} ${byteLength}\n`;
}

function* chunks(byteLength: number): Generator<Buffer> {
  for (let left = byteLength; left > 0; left -= BLOCK.length)
    yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
}

/** xorshift32: the same octets everywhere, not compressible. */
function pseudoRandom(byteLength: number): Buffer {
  const words = new Uint32Array(Math.ceil(byteLength / 4));
  let state = 0x5eed_50c5;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, byteLength);
}

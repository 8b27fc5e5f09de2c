/** The octet at a place of a stream: what arrives elsewhere, or twice, is seen at once. */
export function octetAt(stream: number, position: number): number {
  return (position * 7 + (position >>> 8) * 13 + (position >>> 16) * 29 + stream * 101) & 0xff;
}

/** Octets on their way in one direction, with room for so many. */
export class OctetStream {
  readonly capacity: number;
  #chunks: Uint8Array[] = [];
  #length = 0;
  /** The sender has ended. */
  ended = false;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return Math.max(0, this.capacity - this.#length);
  }

  push(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#chunks.push(octets);
    this.#length += octets.length;
  }

  take(count: number): Uint8Array {
    const taken = new Uint8Array(Math.min(count, this.#length));
    let filled = 0;
    while (filled < taken.length) {
      const chunk = this.#chunks[0] as Uint8Array;
      const part = chunk.subarray(0, taken.length - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#length -= filled;
    return taken;
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}

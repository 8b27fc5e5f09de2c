const EMPTY = new Uint8Array(0);

/**
 * Octets received and not used yet.
 *
 * While nothing is left over, it works in the array that was just received, without a copy;
 * {@link OctetQueue.settle} then copies what remains, because the array belongs to the caller.
 */
export class OctetQueue {
  /** Everything from {@link OctetQueue.offset} on is unused. */
  bytes: Uint8Array = EMPTY;
  /** Where the unused octets begin in {@link OctetQueue.bytes}. */
  offset = 0;
  /** Own storage with room to grow; `bytes` is a view of its start once something was left over. */
  #store: Uint8Array = EMPTY;

  /** Number of unused octets. */
  get length(): number {
    return this.bytes.length - this.offset;
  }

  /** First unused octet. */
  peek(): number | undefined {
    return this.bytes[this.offset];
  }

  /** View of the unused octets. */
  rest(): Uint8Array {
    return this.offset === 0 ? this.bytes : this.bytes.subarray(this.offset);
  }

  consume(count: number): void {
    this.offset += count;
  }

  push(chunk: Uint8Array): void {
    const unused = this.length;
    if (unused === 0) {
      this.bytes = chunk;
      this.offset = 0;
      return;
    }
    const length = unused + chunk.length;
    if (this.bytes.length + chunk.length > this.#store.length) {
      // Twice what is needed: a peer that sends single octets must not cause a copy for each.
      const store = new Uint8Array(2 * length);
      store.set(this.rest());
      this.#store = store;
      this.offset = 0;
    }
    this.#store.set(chunk, this.offset + unused);
    this.bytes = this.#store.subarray(0, this.offset + length);
  }

  /** Keeps what is unused in own storage; the array of the last `push` may be reused afterwards. */
  settle(): void {
    if (this.length === 0) {
      this.clear();
    } else if (this.bytes.buffer !== this.#store.buffer) {
      // `new Uint8Array` and not `slice`, which on a Node Buffer makes a view.
      this.#store = new Uint8Array(this.rest());
      this.bytes = this.#store;
      this.offset = 0;
    }
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#store = EMPTY;
    this.offset = 0;
  }

  /** Hands the unused octets over, once. */
  take(): Uint8Array | undefined {
    if (this.length === 0) return undefined;
    const taken = this.rest();
    this.clear();
    return taken;
  }
}

/** Counts things by key, and holds only keys that have some. */
export class KeyedCount {
  readonly #counts = new Map<string, number>();

  /** How many the key has. */
  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** One more. */
  add(key: string): void {
    this.#counts.set(key, this.get(key) + 1);
  }

  /** One less. */
  remove(key: string): void {
    const count = this.get(key) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

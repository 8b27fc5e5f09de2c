import { createHmac, randomBytes } from "node:crypto";

/**
 * Which user names and passwords were found right a moment ago.
 *
 * It holds no password: an entry is an HMAC-SHA-256 of name and password under a random key that never
 * leaves this object. Bounded; when it is full the oldest entry goes.
 */
export class VerifiedCache<T> {
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, { readonly value: T; readonly expiresAtMs: number }>();
  readonly #ttlMs: number;
  readonly #limit: number;
  readonly #nowMs: () => number;

  constructor(options: { readonly ttlMs: number; readonly limit: number; readonly nowMs: () => number }) {
    this.#ttlMs = options.ttlMs;
    this.#limit = options.limit;
    this.#nowMs = options.nowMs;
  }

  /** The entry's key for a name and a password. The lengths go in, so that no two pairs share one. */
  digest(username: Uint8Array, password: Uint8Array): string {
    const length = new Uint8Array([username.length >> 8, username.length]);
    return createHmac("sha256", this.#key).update(length).update(username).update(password).digest("base64");
  }

  /** What was stored under the digest, unless it expired. */
  get(digest: string): T | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > this.#nowMs()) return entry.value;
    this.#entries.delete(digest);
    return undefined;
  }

  /** Remembers a value for `ttlMs`. */
  set(digest: string, value: T): void {
    if (this.#limit === 0 || this.#ttlMs === 0) return;
    this.#entries.delete(digest);
    if (this.#entries.size >= this.#limit) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(digest, { value, expiresAtMs: this.#nowMs() + this.#ttlMs });
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }
}

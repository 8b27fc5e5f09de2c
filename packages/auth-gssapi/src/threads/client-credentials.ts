import { createHash, randomUUID } from "node:crypto";
import type { Pointer } from "../binding/native.ts";
import type { GssapiCredentials } from "@sockskit/auth";

/** How long credentials are used before they are looked at again. */
const REUSE_MS = 300_000;
/** How many are kept. */
const MAX_KEPT_COUNT = 64;

interface Entry {
  readonly handle: Promise<Pointer>;
  readonly memory: string;
  readonly acquiredAtMs: number;
  users: number;
  isStale: boolean;
}

/** How credentials are got: the name of a cache in memory that belongs to them alone. */
export type Acquire = (memory: string) => Promise<Pointer>;

/** Credentials that cost a question to the KDC, kept for those who come with the same keytab or password. */
export class ClientCredentials {
  readonly #release: (handle: Pointer) => void;
  readonly #entries = new Map<string, Entry>();

  constructor(release: (handle: Pointer) => void) {
    this.#release = release;
  }

  /** The credentials, and how to give them back; `failed`: they were of no use, and are not given to anybody else. */
  async take(
    principal: string | undefined,
    credentials: Exclude<GssapiCredentials, { type: "ccache" }>,
    acquire: Acquire,
  ): Promise<{ readonly handle: Pointer; giveBack(failed: boolean): void }> {
    const key = keyOf(principal, credentials);
    const entry = this.#entry(key, acquire);
    entry.users += 1;
    const giveBack = (failed: boolean): void => {
      entry.users -= 1;
      if (failed) this.#drop(key, entry);
      this.#releaseUnused(entry);
    };
    try {
      return { handle: await entry.handle, giveBack };
    } catch (error) {
      giveBack(true);
      throw error;
    }
  }

  /** Releases all that nobody uses. */
  clear(): void {
    for (const [key, entry] of this.#entries) {
      this.#drop(key, entry);
      this.#releaseUnused(entry);
    }
  }

  #entry(key: string, acquire: Acquire): Entry {
    const known = this.#entries.get(key);
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.acquiredAtMs < REUSE_MS) return known;
    const memory = known?.memory ?? `MEMORY:sockskit-${randomUUID()}`;
    if (known !== undefined) this.#drop(key, known);
    const [oldestKey, oldest] = this.#entries.entries().next().value ?? [];
    if (this.#entries.size >= MAX_KEPT_COUNT && oldestKey !== undefined && oldest !== undefined) {
      this.#drop(oldestKey, oldest);
      this.#releaseUnused(oldest);
    }
    const entry: Entry = { handle: acquire(memory), memory, acquiredAtMs: nowMs, users: 0, isStale: false };
    this.#entries.set(key, entry);
    if (known !== undefined) this.#releaseUnused(known);
    return entry;
  }

  #drop(key: string, entry: Entry): void {
    entry.isStale = true;
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #releaseUnused(entry: Entry): void {
    if (!entry.isStale || entry.users > 0) return;
    entry.handle.then(
      (handle) => this.#release(handle),
      // Nothing was acquired; whoever asked for it was told why.
      () => undefined,
    );
  }
}

/** Tells credentials apart without keeping a password. */
function keyOf(principal: string | undefined, credentials: Exclude<GssapiCredentials, { type: "ccache" }>): string {
  const secret = credentials.type === "keytab" ? credentials.keytab : credentials.password;
  const text = JSON.stringify([credentials.type, principal, secret]);
  return createHash("sha256").update(text).digest("base64");
}

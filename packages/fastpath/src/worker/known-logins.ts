import { createHmac, randomBytes } from "node:crypto";
import type { LoopUser } from "../loop/host.ts";

/** Log-ins that are known at most; the oldest goes first. */
const MAX_KNOWN = 10_000;
/** Clients that are doubted at most; the one doubted longest is forgotten first. */
const MAX_DOUBTED = 10_000;
/**
 * How long a client that failed is doubted: longer than failures can keep it shut out, so that a client that
 * has used up its tries is not helped by a password that is known here.
 */
const DOUBT_MS = 600_000;

/**
 * Log-ins that were found right a moment ago, so that nobody else has to be asked. It holds no password: an entry is an
 * HMAC-SHA-256 under a key that never leaves this object.
 */
export class KnownLogins {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, { readonly user: LoopUser; readonly untilMs: number }>();
  readonly #doubted = new Map<string, number>();

  /** What stands for a name and a password. The lengths go in, so that no two pairs share one. */
  digest(username: Uint8Array, password: Uint8Array): string {
    const length = new Uint8Array([username.length >> 8, username.length]);
    return createHmac("sha256", this.#key).update(length).update(username).update(password).digest("base64");
  }

  /** Whose log-in it is, when it is known and its client is in no doubt. */
  get(digest: string, client: string, nowMs: number): LoopUser | undefined {
    if ((this.#doubted.get(client) ?? 0) > nowMs) return undefined;
    const entry = this.#known.get(digest);
    return entry !== undefined && entry.untilMs > nowMs ? entry.user : undefined;
  }

  /** Remembers a log-in. */
  add(digest: string, user: LoopUser, untilMs: number): void {
    this.#known.delete(digest);
    if (this.#known.size >= MAX_KNOWN) forgetFirst(this.#known);
    this.#known.set(digest, { user, untilMs });
  }

  /** Doubts a client from now on. */
  doubt(client: string, nowMs: number): void {
    this.#doubted.delete(client);
    if (this.#doubted.size >= MAX_DOUBTED) forgetFirst(this.#doubted);
    this.#doubted.set(client, nowMs + DOUBT_MS);
  }

  /** Forgets every log-in; doubts stay. */
  clear(): void {
    this.#known.clear();
  }
}

function forgetFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

import type { Resolver } from "@sockskit/dial";
import type { DomainAddress, IpAddress } from "@sockskit/wire";

/** Names that one association remembers or looks up. */
export const MAX_NAMES = 256;
/** Look-ups of one association at a time. */
export const MAX_PENDING_NAMES = 16;
/** Datagrams that wait for one name. */
export const MAX_WAITING_PER_NAME = 16;
/** What all datagrams that wait may have together, in bytes. */
export const MAX_WAITING_LENGTH = 0x40000;
/** How long a name that was not found is not looked up again, in milliseconds. */
const FAILURE_TTL_MS = 5_000;

/** What is known of a name: its addresses; that it has none, until some time; or who waits for it. */
type Entry =
  | { readonly addresses: readonly IpAddress[] }
  | { readonly failedUntilMs: number }
  | { readonly waiting: Waiting[] };

interface Waiting {
  readonly asked: DomainAddress;
  readonly data: Uint8Array;
}

/** What a {@link NameBook} does with datagrams that waited for their name. */
export interface NameBookEvents {
  /** The name has addresses, or none when it cannot be found. */
  readonly onAnswer: (asked: DomainAddress, addresses: readonly IpAddress[], data: Uint8Array) => void;
}

/** The names of one association. Each is looked up once: its addresses stay the same until the end. */
export class NameBook {
  readonly #resolver: Resolver;
  readonly #family: "auto" | 4 | 6;
  readonly #onAnswer: NameBookEvents["onAnswer"];
  readonly #entries = new Map<string, Entry>();
  readonly #closed = new AbortController();
  #pending = 0;
  #waitingLength = 0;

  constructor(resolver: Resolver, family: "auto" | 4 | 6, { onAnswer }: NameBookEvents) {
    this.#resolver = resolver;
    this.#family = family;
    this.#onAnswer = onAnswer;
  }

  /**
   * Asks for a name on behalf of a datagram.
   *
   * @returns Its addresses, none when it cannot be found; `"waiting"` when the datagram is kept for the answer; `"full"`
   * when it is not.
   */
  ask(asked: DomainAddress, data: Uint8Array): readonly IpAddress[] | "waiting" | "full" {
    const entry = this.#entries.get(asked.host);
    if (entry !== undefined) {
      if ("addresses" in entry) return entry.addresses;
      if ("waiting" in entry) return this.#wait(entry.waiting, asked, data);
      if (performance.now() < entry.failedUntilMs) return [];
      this.#entries.delete(asked.host);
    }
    if (this.#pending >= MAX_PENDING_NAMES) return "full";
    const waiting: Waiting[] = [];
    const answer = this.#wait(waiting, asked, data);
    if (answer === "waiting") this.#lookUp(asked.host, waiting);
    return answer;
  }

  /** Looks nothing up any more, and forgets who waits. */
  close(): void {
    this.#closed.abort();
    this.#entries.clear();
  }

  #wait(waiting: Waiting[], asked: DomainAddress, data: Uint8Array): "waiting" | "full" {
    const isFull = waiting.length >= MAX_WAITING_PER_NAME || this.#waitingLength + data.length > MAX_WAITING_LENGTH;
    if (isFull) return "full";
    waiting.push({ asked, data });
    this.#waitingLength += data.length;
    return "waiting";
  }

  #lookUp(name: string, waiting: Waiting[]): void {
    if (this.#entries.size >= MAX_NAMES) this.#forgetOne();
    this.#entries.set(name, { waiting });
    this.#pending += 1;
    const { signal } = this.#closed;
    // A resolver from elsewhere may throw instead of rejecting.
    void Promise.resolve()
      .then(() => this.#resolver.resolve(name, { family: this.#family, signal }))
      .catch((): readonly IpAddress[] => [])
      .then((addresses) => {
        if (!signal.aborted) this.#answer(name, waiting, addresses);
      });
  }

  #answer(name: string, waiting: readonly Waiting[], addresses: readonly IpAddress[]): void {
    this.#pending -= 1;
    const found: Entry = addresses.length > 0 ? { addresses } : { failedUntilMs: performance.now() + FAILURE_TTL_MS };
    this.#entries.set(name, found);
    for (const { asked, data } of waiting) {
      this.#waitingLength -= data.length;
      this.#onAnswer(asked, addresses, data);
    }
  }

  /** The name that was learnt first; those that are being looked up stay. */
  #forgetOne(): void {
    for (const [name, entry] of this.#entries) {
      if ("waiting" in entry) continue;
      this.#entries.delete(name);
      return;
    }
  }
}

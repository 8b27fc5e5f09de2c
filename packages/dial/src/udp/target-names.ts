import { type Address, type IpAddress, withPort } from "@sockskit/wire";

import type { OutgoingSettings } from "../address/socket-options.ts";
import { ResolvedHere, type Hop } from "../chain/hop.ts";
import { isSocksError, SocksError } from "../errors.ts";
import { resolveFailed } from "../resolver/system-lookup.ts";

/** Most names that one association remembers; the oldest goes. */
const MAX_KNOWN_NAME_COUNT = 1000;

/** The names of targets that the proxy's scheme leaves to this side: each is looked up once per association. */
export class TargetNames {
  readonly #hop: Hop;
  readonly #settings: Pick<OutgoingSettings, "family" | "resolver">;
  readonly #known = new Map<string, Promise<IpAddress>>();
  readonly #controller = new AbortController();

  constructor(hop: Hop, settings: Pick<OutgoingSettings, "family" | "resolver">) {
    this.#hop = hop;
    this.#settings = settings;
  }

  /**
   * What the relay is told instead of `target`.
   *
   * @throws SocksError as the resolver.
   */
  async resolve(target: Address): Promise<IpAddress> {
    const name = target.host;
    let found = this.#known.get(name);
    if (found === undefined) {
      found = this.#lookUp(target);
      const [oldest] = this.#known.size < MAX_KNOWN_NAME_COUNT ? [] : this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
      this.#known.set(name, found);
      // What was not found may be found next time.
      found.catch(() => this.#known.delete(name));
    }
    return withPort(await found, target.port);
  }

  /** Gives up every look-up. */
  close(): void {
    this.#controller.abort();
    this.#known.clear();
  }

  /** IPv4 is preferred: nothing says whether the proxy has IPv6, and a datagram has no second try. */
  async #lookUp(target: Address): Promise<IpAddress> {
    const { family, resolver } = this.#settings;
    try {
      const found = await resolver.resolve(target.host, { family, signal: this.#controller.signal });
      const chosen = found.find(({ type }) => type === "ipv4") ?? found[0];
      if (chosen === undefined) throw resolveFailed(target.host, "the resolver gave no address");
      return chosen;
    } catch (cause) {
      const known = isSocksError(cause) ? cause : resolveFailed(target.host, "the resolver failed", cause);
      const title = new ResolvedHere(this.#hop, target).title();
      const options = { side: known.side, stage: "resolve", hop: this.#hop.reference(), cause } as const;
      throw new SocksError(known.code, `${title} cannot be found: ${known.message}`, options);
    }
  }
}

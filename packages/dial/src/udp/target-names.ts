import { type Address, type IpAddress, withPort } from "@sockskit/wire";

import { resolveHost } from "../address/resolve-host.ts";
import type { OutgoingSettings } from "../address/socket-options.ts";
import { type Hop, ResolvedHere } from "../chain/hop.ts";
import { Operation } from "../internal/operation.ts";

/** Most names that one association remembers; the oldest goes. */
const MAX_KNOWN_NAME_COUNT = 1000;

/** The names of targets that the proxy's scheme leaves to this side: each is looked up once per association. */
export class TargetNames {
  readonly #hop: Hop;
  readonly #settings: Pick<OutgoingSettings, "family" | "resolver">;
  readonly #timeoutMs: number;
  readonly #known = new Map<string, Promise<IpAddress>>();
  readonly #controller = new AbortController();

  constructor(hop: Hop, settings: Pick<OutgoingSettings, "family" | "resolver">, timeoutMs: number) {
    this.#hop = hop;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
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
  #lookUp(target: Address): Promise<IpAddress> {
    return new Promise((resolve, reject) => {
      const { family, resolver } = this.#settings;
      const limits = { timeoutMs: this.#timeoutMs, signal: this.#controller.signal };
      const operation = new Operation<IpAddress>(limits, resolve, reject);
      const asked = new ResolvedHere(this.#hop, target);
      operation.run(() =>
        resolveHost(operation, target.host, family, resolver, asked, (found) => {
          const chosen = found.find(({ type }) => type === "ipv4") ?? found[0];
          if (chosen !== undefined) operation.succeed(chosen);
        }),
      );
    });
  }
}

import { promises as dns } from "node:dns";

import { formatHost, type IpAddress, parseAddress, WireError } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import { lookUpProblem } from "./system-lookup.ts";

/** Look-ups of names at the same time; each holds one or two sockets. One more fails at once. */
const MAX_REVERSE_COUNT = 64;
/** Each of two tries waits this long for a name server, in milliseconds. */
const TRY_MS = 2500;
/** Names of one address at most; the rest are left out. */
const MAX_NAME_COUNT = 64;

/** The names of addresses, by the hosts file and the name servers (PTR, RFC 1035 section 3.5). No thread is taken. */
export class ReverseLookups {
  readonly #timeoutMs: number;
  readonly #servers: readonly string[] | undefined;
  readonly #running = new Set<(error: SocksError) => void>();
  #closed = false;

  /** @param servers - Asked instead of the system's name servers: `address:port`. */
  constructor(timeoutMs: number, servers?: readonly string[]) {
    this.#timeoutMs = timeoutMs;
    this.#servers = servers;
  }

  /**
   * The names of one address, at least one.
   *
   * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED`, `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`.
   */
  async look(address: IpAddress, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const text = formatHost(address);
    if (signal?.aborted === true) throw aborted(text, signal);
    if (this.#closed) throw failed(text, "the resolver was closed");
    if (this.#running.size >= MAX_REVERSE_COUNT) {
      throw failed(text, `${MAX_REVERSE_COUNT} such look-ups run already; try again later`);
    }
    // A resolver of its own: it reads the system's list of name servers anew, and can be cancelled alone.
    const resolver = new dns.Resolver({ timeout: TRY_MS, tries: 2 });
    if (this.#servers !== undefined) resolver.setServers(this.#servers);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#running.delete(giveUp);
      };
      const giveUp = (error: SocksError): void => {
        end();
        resolver.cancel();
        reject(error);
      };
      const onAbort = (): void => giveUp(aborted(text, signal));
      const timer = setTimeout(() => giveUp(timedOut(text, this.#timeoutMs)), this.#timeoutMs);
      signal?.addEventListener("abort", onAbort);
      this.#running.add(giveUp);
      resolver.reverse(address.host).then(
        (found) => {
          end();
          const names = hostNames(found);
          if (names.length > 0) resolve(names);
          else reject(failed(text, "it has no usable name"));
        },
        (error: unknown) => {
          end();
          reject(failed(text, lookUpProblem((error as NodeJS.ErrnoException).code, "name"), error));
        },
      );
    });
  }

  /** Fails everything that waits. */
  close(): void {
    this.#closed = true;
    for (const giveUp of this.#running) giveUp(failed("an address", "the resolver was closed"));
  }
}

/** What of it is a host name, in the form that rules compare. Whoever owns a network may write anything there. */
function hostNames(found: readonly string[]): readonly string[] {
  const names = new Set<string>();
  for (const text of found.slice(0, MAX_NAME_COUNT)) {
    const name = hostName(text);
    if (name !== undefined) names.add(name);
  }
  return [...names];
}

function hostName(text: string): string | undefined {
  try {
    const address = parseAddress(text, 0);
    return address.type === "domain" ? address.host : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function failed(address: string, problem: string, cause?: unknown): SocksError {
  const message = `cannot find the name of ${address}: ${problem}`;
  return new SocksError("ERR_SOCKS_RESOLVE_FAILED", message, { side: "remote", stage: "resolve", cause });
}

function aborted(address: string, signal: AbortSignal | undefined): SocksError {
  const message = `the look-up of the name of ${address} was cancelled`;
  return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", stage: "resolve", cause: signal?.reason });
}

function timedOut(address: string, timeoutMs: number): SocksError {
  const message = `no answer for the name of ${address} within ${timeoutMs} ms`;
  return new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage: "resolve" });
}

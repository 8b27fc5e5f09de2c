import type { IpAddress } from "@sockskit/wire";

import { LookupPool } from "./lookup-pool.ts";
import type { LookupFunction } from "./system-lookup.ts";

/** Which IP version is wanted: both, or only one. */
export type AddressFamily = "auto" | 4 | 6;

/** How one name is looked up. */
export interface ResolveOptions {
  /** `4` and `6` ask for addresses of that version only; `"auto"` for both. */
  readonly family: AddressFamily;
  /** Gives up waiting; the promise rejects with `ERR_SOCKS_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** How the names of one address are looked up. */
export interface ReverseOptions {
  /** Gives up waiting; the promise rejects with `ERR_SOCKS_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Turns host names into addresses. {@link createResolver} makes the usual one; any object with this shape can take
 * its place, in tests or to ask somebody else.
 */
export interface Resolver {
  /**
   * Looks up one name. The addresses have port `0`; at least one, in the order in which they should be tried.
   *
   * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED`, `ERR_SOCKS_BAD_ADDRESS` (not a host name), `ERR_SOCKS_TIMEOUT`,
   *   `ERR_SOCKS_ABORTED`.
   */
  resolve(name: string, options: ResolveOptions): Promise<readonly IpAddress[]>;
  /**
   * Looks up the names of one address, `localhost` for loopback; at least one, host names without a dot at the end. A resolver without it finds
   * none; only a server that serves RESOLVE_PTR asks.
   *
   * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED`, `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`.
   */
  reverse?(address: IpAddress, options?: ReverseOptions): Promise<readonly string[]>;
  /** Fails everything that waits and forgets what was remembered. */
  close?(): void;
}

/** How {@link createResolver} looks names up. */
export interface ResolverOptions {
  /**
   * How many look-ups run at once in the operating system. Default: half of libuv's thread pool, rounded up (2 of 4;
   * the environment variable `UV_THREADPOOL_SIZE` enlarges it). libuv runs no more than that at once, so that look-ups
   * never take the threads of file reads; more of them would only wait where nobody can take them back.
   */
  readonly concurrency?: number | undefined;
  /** How many callers may wait at the same time; one more fails at once. Default 10000. */
  readonly queueLimit?: number | undefined;
  /** How long a caller waits for an answer, in milliseconds, the time in the queue included. Default 10000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long an answer may be used again, in milliseconds. Failures are never remembered. Default 0: every call asks
   * (callers that ask for the same name at the same time share one look-up in any case).
   */
  readonly cacheTtlMs?: number | undefined;
  /** The order of addresses: as the system gives them, or one version first. Default `"verbatim"`. */
  readonly order?: "verbatim" | "ipv4first" | "ipv6first" | undefined;
  /**
   * What to do with a look-up that found no free place in the operating system for a quarter of a second.
   * `"ask-dns"` asks the name servers itself meanwhile, after the hosts file, and takes the first address that comes:
   * two dead domains then hold up nobody else. `"wait"` only waits. Default `"ask-dns"`.
   */
  readonly whenBusy?: "ask-dns" | "wait" | undefined;
  /** Called instead of `lookup` of `node:dns`, whose calling convention it has. */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Makes a resolver on the operating system's name service. It holds nothing while it is idle: no timer, no socket.
 *
 * `localhost` and names below it are loopback and are never asked for (RFC 6761 section 6.3); names below `.onion` fail,
 * because asking for one tells the name servers where Tor's user is going (RFC 7686 section 2).
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION` when a number is out of its range.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  return new LookupPool(options);
}

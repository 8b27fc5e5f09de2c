import type { IpAddress } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import { requireInteger } from "../internal/require.ts";
import { createDnsQuery, type DnsQuery } from "./dns-query.ts";
import type { AddressFamily, ResolveOptions, Resolver, ResolverOptions, ReverseOptions } from "./resolver.ts";
import { ReverseLookups } from "./reverse-lookups.ts";
import { answerWithoutAsking, isLoopback, parseName } from "./special-names.ts";
import { lookupAddresses, resolveFailed } from "./system-lookup.ts";

/** Answers remembered at most; the oldest goes first. */
const MAX_CACHE_COUNT = 1000;
/** A look-up that found no free place for so long is busy, see `whenBusy`. */
const BUSY_AFTER_MS = 250;
/** Queries to the name servers at the same time; each holds one or two sockets. */
const MAX_DNS_QUERY_COUNT = 64;

/** Somebody who waits for an answer. */
interface Caller {
  readonly succeed: (addresses: readonly IpAddress[]) => void;
  readonly fail: (error: unknown) => void;
}

/** One name being looked up, for one caller or many. */
interface Lookup {
  readonly key: string;
  readonly name: string;
  readonly family: AddressFamily;
  readonly callers: Set<Caller>;
  /** Runs while the look-up is queued and the name servers have not been asked. */
  busyTimer: NodeJS.Timeout | undefined;
}

/**
 * The resolver behind `createResolver`: a bounded number of look-ups in the operating system, a queue before it.
 *
 * A look-up that was started cannot be stopped: `getaddrinfo` keeps its thread until it returns. So a caller who gives
 * up leaves it running, and the next caller for the same name joins it instead of taking a second thread.
 */
export class LookupPool implements Resolver {
  readonly #options: ResolverOptions;
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #timeoutMs: number;
  readonly #cacheTtlMs: number;
  readonly #queryDns: DnsQuery | undefined;
  readonly #lookups = new Map<string, Lookup>();
  readonly #queue = new Set<Lookup>();
  readonly #reverse: ReverseLookups;
  readonly #cache = new Map<string, { readonly addresses: readonly IpAddress[]; readonly until: number }>();
  #runningCount = 0;
  #callerCount = 0;
  #dnsQueryCount = 0;
  #closed = false;

  constructor(options: ResolverOptions, queryDns: DnsQuery = createDnsQuery()) {
    this.#options = options;
    this.#concurrency = requireInteger("concurrency", options.concurrency ?? freeThreadCount(), 1, 1024);
    this.#queueLimit = requireInteger("queueLimit", options.queueLimit ?? 10_000, 1, Number.MAX_SAFE_INTEGER);
    this.#timeoutMs = requireInteger("timeoutMs", options.timeoutMs ?? 10_000, 1, 0x7fffffff);
    this.#cacheTtlMs = requireInteger("cacheTtlMs", options.cacheTtlMs ?? 0, 0, 0x7fffffff);
    this.#reverse = new ReverseLookups(this.#timeoutMs);
    this.#queryDns = options.whenBusy === "wait" ? undefined : queryDns;
  }

  async resolve(name: string, options: ResolveOptions): Promise<readonly IpAddress[]> {
    const { family, signal } = options;
    if (signal?.aborted === true) throw aborted(name, signal);
    const address = parseName(name);
    const known = answerWithoutAsking(address, family);
    if (known !== undefined) return known;
    const key = `${family} ${address.host}`;
    const remembered = this.#recall(key);
    if (remembered !== undefined) return remembered;
    if (this.#closed) throw resolveFailed(name, "the resolver was closed");
    if (this.#callerCount >= this.#queueLimit) {
      throw resolveFailed(name, `${this.#queueLimit} callers wait for look-ups already; try again later`);
    }
    return new Promise((resolve, reject) => this.#wait(this.#join(key, address.host, family), signal, resolve, reject));
  }

  async reverse(address: IpAddress, { signal }: ReverseOptions = {}): Promise<readonly string[]> {
    return isLoopback(address) ? ["localhost"] : this.#reverse.look(address, signal);
  }

  close(): void {
    this.#closed = true;
    this.#reverse.close();
    this.#cache.clear();
    for (const lookup of this.#lookups.values())
      this.#fail(lookup, resolveFailed(lookup.name, "the resolver was closed"));
  }

  /** Adds one caller, who leaves by an answer, a failure, his deadline or his signal. */
  #wait(
    lookup: Lookup,
    signal: AbortSignal | undefined,
    resolve: (addresses: readonly IpAddress[]) => void,
    reject: (error: unknown) => void,
  ): void {
    const leave = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#callerCount -= 1;
      lookup.callers.delete(caller);
    };
    const caller: Caller = {
      succeed: (addresses) => (leave(), resolve(addresses)),
      fail: (error) => (leave(), reject(error)),
    };
    const giveUp = (error: unknown): void => {
      caller.fail(error);
      if (lookup.callers.size === 0 && this.#queue.has(lookup)) this.#forget(lookup);
    };
    const onAbort = (): void => giveUp(aborted(lookup.name, signal));
    const timer = setTimeout(() => giveUp(timedOut(lookup.name, this.#timeoutMs)), this.#timeoutMs);
    signal?.addEventListener("abort", onAbort);
    lookup.callers.add(caller);
    this.#callerCount += 1;
  }

  #join(key: string, name: string, family: AddressFamily): Lookup {
    const pending = this.#lookups.get(key);
    if (pending !== undefined) return pending;
    const lookup: Lookup = { key, name, family, callers: new Set(), busyTimer: undefined };
    this.#lookups.set(key, lookup);
    this.#queue.add(lookup);
    this.#startNext();
    if (this.#queue.has(lookup) && this.#queryDns !== undefined) {
      lookup.busyTimer = setTimeout(() => this.#askDns(lookup), BUSY_AFTER_MS);
    }
    return lookup;
  }

  #startNext(): void {
    for (const lookup of this.#queue) {
      if (this.#runningCount >= this.#concurrency) return;
      this.#unqueue(lookup);
      this.#runningCount += 1;
      const { order = "verbatim", lookup: ask } = this.#options;
      void lookupAddresses(lookup.name, lookup.family, order, ask)
        .then(
          (addresses) => this.#succeed(lookup, addresses),
          (error: unknown) => this.#fail(lookup, error),
        )
        .then(() => {
          this.#runningCount -= 1;
          this.#startNext();
        });
    }
  }

  #askDns(lookup: Lookup): void {
    lookup.busyTimer = undefined;
    if (this.#queryDns === undefined || this.#dnsQueryCount >= MAX_DNS_QUERY_COUNT) return;
    this.#dnsQueryCount += 1;
    void this.#queryDns(lookup.name, lookup.family).then((addresses) => {
      this.#dnsQueryCount -= 1;
      // Nothing found proves nothing: the system may know other sources, so its answer is awaited.
      if (addresses.length > 0) this.#succeed(lookup, addresses);
    });
  }

  #succeed(lookup: Lookup, addresses: readonly IpAddress[]): void {
    if (!this.#forget(lookup)) return;
    if (this.#cacheTtlMs > 0 && !this.#closed) this.#remember(lookup.key, addresses);
    for (const caller of lookup.callers) caller.succeed(addresses);
  }

  #fail(lookup: Lookup, error: unknown): void {
    this.#forget(lookup);
    for (const caller of lookup.callers) caller.fail(error);
  }

  /** Ends a look-up for everybody; `false` when it had ended before. */
  #forget(lookup: Lookup): boolean {
    this.#unqueue(lookup);
    if (this.#lookups.get(lookup.key) !== lookup) return false;
    return this.#lookups.delete(lookup.key);
  }

  #unqueue(lookup: Lookup): void {
    this.#queue.delete(lookup);
    clearTimeout(lookup.busyTimer);
    lookup.busyTimer = undefined;
  }

  #recall(key: string): readonly IpAddress[] | undefined {
    const entry = this.#cache.get(key);
    if (entry === undefined) return undefined;
    if (entry.until > performance.now()) return entry.addresses;
    this.#cache.delete(key);
    return undefined;
  }

  #remember(key: string, addresses: readonly IpAddress[]): void {
    this.#cache.delete(key);
    this.#cache.set(key, { addresses, until: performance.now() + this.#cacheTtlMs });
    if (this.#cache.size <= MAX_CACHE_COUNT) return;
    for (const oldest of this.#cache.keys()) {
      this.#cache.delete(oldest);
      return;
    }
  }
}

/** The look-ups that libuv runs at once: half of its threads, rounded up. */
function freeThreadCount(): number {
  const threads = Number.parseInt(process.env["UV_THREADPOOL_SIZE"] ?? "4", 10);
  return Math.ceil(Math.min(Math.max(Number.isNaN(threads) ? 1 : threads, 1), 1024) / 2);
}

function aborted(name: string, signal: AbortSignal | undefined): SocksError {
  const message = `the look-up of ${JSON.stringify(name)} was cancelled`;
  return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", stage: "resolve", cause: signal?.reason });
}

function timedOut(name: string, timeoutMs: number): SocksError {
  const message = `no answer for the name ${JSON.stringify(name)} within ${timeoutMs} ms`;
  return new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage: "resolve" });
}

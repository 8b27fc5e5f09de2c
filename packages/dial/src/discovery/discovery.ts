import { type Address, SOCKS4_CD, SOCKS4_REPLY_VERSION, SOCKS4_VERSION, SOCKS5_VERSION } from "@sockskit/wire";

import type { OutgoingSettings } from "../address/socket-options.ts";
import { Hop, type ProxyHop } from "../chain/hop.ts";
import type { Observer } from "../chain/observer.ts";
import { Tunnel, type TunnelTask } from "../chain/tunnel.ts";
import { type HopReference, isSocksError, SocksError } from "../errors.ts";
import type { Activity, Failure, Operation } from "../internal/operation.ts";
import type { SearchOutcome } from "./discovery-memory.ts";
import { discoverySettings, type DiscoveryOptions, type DiscoverySettings } from "./discovery-options.ts";
import { type FailedVersion, type FailureReason, VersionFinder } from "./version-finder.ts";

/** What a server of SOCKS 4 begins its answer with; some have the version of requests there. */
const SOCKS4_OCTETS: readonly number[] = [SOCKS4_REPLY_VERSION, SOCKS4_VERSION];
const SOCKS5_OCTETS: readonly number[] = [SOCKS5_VERSION];
const SOCKS4_REFUSALS: readonly number[] = [
  SOCKS4_CD.requestRejectedOrFailed,
  SOCKS4_CD.identdUnreachable,
  SOCKS4_CD.useridMismatch,
];

/** Goes the way: straight through a {@link Tunnel}, or by finding out first what the proxies given as `auto` speak. */
export function openWay<T>(
  operation: Operation<T>,
  chain: readonly ProxyHop[],
  task: TunnelTask,
  settings: OutgoingSettings,
  observer: Observer,
  options: DiscoveryOptions | undefined,
): void {
  const discovery = options === undefined ? undefined : discoverySettings(options);
  if (chain.some(({ version }) => version === "auto")) {
    new Discovery(operation, chain, task, settings, observer, discovery ?? discoverySettings({})).open();
  } else {
    new Tunnel(operation, chain, task, settings, observer).open();
  }
}

/**
 * Finds out which version proxies speak while it goes through them. Each version is a tunnel of its own, from the first
 * proxy on; what a failed one says decides whether another is tried. Nothing is asked that the caller did not ask for, and
 * a password is sent to nobody who has not chosen its method in SOCKS 5.
 */
class Discovery<T> {
  readonly #operation: Operation<T>;
  readonly #chain: readonly ProxyHop[];
  readonly #task: TunnelTask;
  readonly #settings: OutgoingSettings;
  readonly #observer: Observer;
  readonly #discovery: DiscoverySettings;
  readonly #finders: readonly VersionFinder[];
  /** Nobody else's search is waited for: one has failed already. */
  #isAlone = false;
  #isWaiting = false;

  constructor(
    operation: Operation<T>,
    chain: readonly ProxyHop[],
    task: TunnelTask,
    settings: OutgoingSettings,
    observer: Observer,
    discovery: DiscoverySettings,
  ) {
    this.#operation = operation;
    this.#chain = chain;
    this.#settings = settings;
    this.#discovery = discovery;
    this.#observer = observer;
    this.#task = {
      ...task,
      answerLimitMs: (index) => this.#answerLimitMs(index),
      onOpen: (tunnel, hop) => {
        // Without a hop there was no proxy to ask: the destination is reached directly.
        this.#endSearches("given-up");
        task.onOpen(tunnel, hop);
      },
    };
    this.#finders = chain.flatMap(({ version }, index) => {
      if (version !== "auto") return [];
      const next: Address = chain[index + 1]?.address ?? task.destination;
      const command = index + 1 < chain.length ? "connect" : task.command;
      return [new VersionFinder(chain, index, { next, command, requiresAuth: task.auth.isRequired }, discovery)];
    });
  }

  open(): void {
    this.#operation.recoverBy((error) => this.#recover(error));
    this.#prepare();
  }

  /** Takes what is remembered; what nobody knows is searched by one for all. */
  #prepare(): void {
    const { memory } = this.#discovery;
    for (const finder of this.#finders) {
      const found = memory.recall(finder.key);
      if (found !== undefined) {
        finder.recall(found);
      } else if (!this.#isAlone && finder.search === undefined) {
        const taken = memory.search(finder.key, (outcome) => this.#resume(outcome));
        if ("cancel" in taken) return this.#wait(finder, taken.cancel);
        finder.search = taken.search;
      }
    }
    this.#attempt();
  }

  #wait(finder: VersionFinder, cancel: () => void): void {
    this.#isWaiting = true;
    this.#operation.hold(cancel);
    this.#operation.enter("negotiate", new AwaitedSearch(this.#hopOf(finder, finder.proxy)));
  }

  #resume(outcome: SearchOutcome): void {
    this.#isWaiting = false;
    this.#operation.hold(undefined);
    if (outcome === "failed") this.#isAlone = true;
    this.#operation.run(() => this.#prepare());
  }

  #attempt(): void {
    for (const finder of this.#finders) {
      finder.hasAnswered = false;
      finder.firstOctet = undefined;
    }
    const hops = new Map(this.#finders.map((finder) => [finder.index, finder.hop()]));
    const chain = this.#chain.map((proxy, index) => hops.get(index) ?? proxy);
    const observer = this.#watching();
    this.#operation.run(() => new Tunnel(this.#operation, chain, this.#task, this.#settings, observer).open());
  }

  /** A third of what is left at most, so that there is time for the others. */
  #answerLimitMs(index: number): number | undefined {
    if (this.#finderAt(index)?.next === undefined) return undefined;
    return Math.max(1, Math.min(this.#discovery.answerTimeoutMs, this.#operation.leftMs / 3));
  }

  /** Sees what proxies answer before the caller's observer does. */
  #watching(): Observer {
    const { progress, octets } = this.#observer;
    return {
      progress: (hop, step) => {
        const isGrant = step.step === "listening" || step.step === "established";
        if (hop !== undefined && (isGrant || step.step === "method-selected")) this.#confirm(hop, isGrant);
        if (!this.#operation.over) progress?.(hop, step);
      },
      octets: (hop, direction, stage, received, secret) => {
        const finder = direction === "received" ? this.#finderAt(hop.index) : undefined;
        if (finder !== undefined) finder.firstOctet ??= received[0];
        octets?.(hop, direction, stage, received, secret);
      },
    };
  }

  /** The proxy has answered in the version that was tried. */
  #confirm(hop: Hop, isGrant: boolean): void {
    const finder = this.#finderAt(hop.index);
    if (finder === undefined || finder.hasAnswered) return;
    finder.hasAnswered = true;
    // Who wants a password refuses SOCKS 4 as well: that shows nothing.
    if (!isGrant && finder.refusal !== undefined) return;
    const found = finder.found(isGrant);
    this.#discovery.memory.remember(finder.key, found);
    finder.search?.end("found");
    const version = found.version === 5 ? "5" : found.names === true ? "4a" : "4";
    this.#observer.progress?.(hop, { step: "version-found", version, remembered: finder.isRemembered });
  }

  /** What a failure says about versions: tries the next one, or gives the error to end with. */
  #recover(error: unknown): Failure | undefined {
    const finder = isSocksError(error) ? this.#finderAt(error.hop?.index) : undefined;
    if (finder === undefined || !isSocksError(error)) return this.#end(error, error);
    const reason = this.#isWaiting ? undefined : this.#judge(finder, error);
    if (reason === undefined) return this.#end(error, finder.refusal ?? this.#explained(error, finder));
    if (reason === "no-method") finder.refusal = error;
    const hop = this.#hopOf(finder, finder.hop());
    const { version } = finder;
    if (reason !== "name-refused") this.#discovery.memory.forget(finder.key);
    const hasNext = finder.giveUp(reason);
    this.#observer.progress?.(hop, { step: "version-failed", version, reason });
    if (this.#operation.over) return undefined;
    if (!hasNext) return this.#end(error, finder.refusal ?? this.#explained(error, finder));
    this.#operation.release();
    this.#attempt();
    return undefined;
  }

  /** Why another version may do better; `undefined` when none can. */
  #judge(finder: VersionFinder, { code, stage, reply }: SocksError): FailureReason | undefined {
    const { version, hasAnswered, firstOctet } = finder;
    // What fails below SOCKS fails for every version.
    if (stage === "tls") return undefined;
    switch (code) {
      case "ERR_SOCKS_PROXY_CLOSED":
        return hasAnswered ? undefined : "closed";
      case "ERR_SOCKS_TIMEOUT":
        return !hasAnswered && stage === "negotiate" && this.#operation.leftMs > 0 ? "silent" : undefined;
      case "ERR_SOCKS_NOT_SOCKS": {
        const others = version === "5" ? SOCKS4_OCTETS : SOCKS5_OCTETS;
        if (!hasAnswered && others.some((octet) => octet === firstOctet)) return "other-version";
        this.#discovery.memory.forget(finder.key);
        return undefined;
      }
      case "ERR_SOCKS_NO_ACCEPTABLE_METHOD":
        // Some that serve SOCKS 4 only say no in this way.
        if (finder.next !== undefined && !finder.isRemembered) return "no-method";
        this.#confirm(this.#hopOf(finder, finder.hop()), false);
        return undefined;
      case "ERR_SOCKS_METHOD_NOT_OFFERED":
        this.#confirm(this.#hopOf(finder, finder.hop()), false);
        return undefined;
      case "ERR_SOCKS_REQUEST_REFUSED": {
        if (version === "5" || !SOCKS4_REFUSALS.some((cd) => cd === reply)) return undefined;
        this.#confirm(this.#hopOf(finder, finder.hop()), false);
        const mayTakeAddress = version === "4a" && finder.asksForName && finder.next === "4";
        return mayTakeAddress && reply === SOCKS4_CD.requestRejectedOrFailed ? "name-refused" : undefined;
      }
      default:
        return undefined;
    }
  }

  /** Ends the searches of this call. Who only lost interest lets another go on. */
  #end(cause: unknown, error: unknown): Failure {
    const { code, side } = (cause ?? {}) as Partial<SocksError>;
    const isOwn = !isSocksError(cause) || side === "local" || code === "ERR_SOCKS_TIMEOUT";
    this.#endSearches(isOwn ? "given-up" : "failed");
    return { error };
  }

  #endSearches(outcome: SearchOutcome): void {
    for (const { search } of this.#finders) search?.end(outcome);
  }

  /** The error, with what else was tried, or not tried, and why. */
  #explained(error: SocksError, finder: VersionFinder): SocksError {
    const { code, side, stage, reply, cause } = error;
    const { failed, excluded } = finder;
    if (finder.hasAnswered) {
      const isName = code === "ERR_SOCKS_REQUEST_REFUSED" && finder.version === "4a" && finder.asksForName;
      if (!isName || finder.found(false).names === true) return error;
      const message = `${error.message}; whether it takes names (4A) is not known`;
      return new SocksError(code, message, { side, stage, hop: error.hop, reply, cause });
    }
    const tail = excluded !== undefined && (failed.length > 0 || stage === "negotiate") ? `; ${excluded}` : "";
    if (failed.length > 1 && finder.isExhausted) {
      const hop = this.#hopOf(finder, finder.proxy);
      const message = `${hop.title()} answered in no version of SOCKS: ${failed.map(describe).join("; ")}${tail}`;
      return new SocksError("ERR_SOCKS_VERSION_UNKNOWN", message, { side, stage, hop: hop.reference(), cause: error });
    }
    const doubt = code === "ERR_SOCKS_TIMEOUT" && failed.length > 0 ? "; it may be no SOCKS proxy" : "";
    // The last of them is this very error when nothing is left.
    const before = (finder.isExhausted ? [] : failed).map((version) => `; before, ${describe(version)}`).join("");
    if (before === "" && tail === "") return error;
    return new SocksError(code, `${error.message}${before}${doubt}${tail}`, {
      side,
      stage,
      hop: error.hop,
      reply,
      cause,
    });
  }

  #finderAt(index: number | undefined): VersionFinder | undefined {
    return this.#finders.find((finder) => finder.index === index);
  }

  #hopOf({ index }: VersionFinder, proxy: ProxyHop): Hop {
    return new Hop(proxy, index, this.#chain.length);
  }
}

function describe({ version, reason }: FailedVersion): string {
  const name = `SOCKS ${version.toUpperCase()}`;
  switch (reason) {
    case "closed":
      return version === "5"
        ? `${name}: it closed the connection`
        : `${name}: it closed the connection, or refused without a word`;
    case "silent":
      return `${name}: it did not answer`;
    case "other-version":
      return `${name}: it answered in another version`;
    case "name-refused":
      return `${name}: it refused the name`;
    case "no-method":
      return `${name}: it takes no method that is offered`;
  }
}

/** The search of another connection, while it is waited for. */
class AwaitedSearch implements Activity {
  readonly #hop: Hop;

  constructor(hop: Hop) {
    this.#hop = hop;
  }

  reference(): HopReference {
    return this.#hop.reference();
  }

  awaited(): string {
    return `another connection to find out which version of SOCKS ${this.#hop.title()} speaks`;
  }
}

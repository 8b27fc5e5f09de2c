import { EventEmitter } from "node:events";
import { createResolver, type Resolver } from "@sockskit/dial";
import type { Policy } from "@sockskit/policy";
import { type IpAddress, isUnspecified } from "@sockskit/wire";
import { UserStore } from "./credentials/user-store.ts";
import { badOption, ServerError } from "./errors.ts";
import { Announcer, type ServerEvents } from "./events.ts";
import { ASKED_PORTABLE, type EngineChoice, withFastpath, withoutFastpath } from "./fastpath/choose-engine.ts";
import { FastEngine } from "./fastpath/fast-engine.ts";
import { FailureLimit } from "./limits/failure-limit.ts";
import { KeyedCount } from "./limits/keyed-count.ts";
import { RuleLimits } from "./limits/rule-limits.ts";
import { GssapiKeys } from "./gssapi/gssapi-keys.ts";
import { hostAddresses } from "./listener/host-addresses.ts";
import { type ListeningAddress, ListenerSet } from "./listener/listener-set.ts";
import type { ServerOptions } from "./options.ts";
import { compileRules, type Plan, planServer } from "./plan.ts";
import { portableRelay } from "./relay/portable.ts";
import type { SessionHost } from "./session/host.ts";
import type { SessionInfo, SessionPhase } from "./session/session-info.ts";
import { lanesFor, type Settings } from "./session/settings.ts";
import { Reception } from "./transport/reception.ts";
import { addTraffic, emptyTally, type ServerStats, type Tally } from "./session/tally.ts";
import { HealthMemory } from "./upstream/health.ts";
import { chainKeys } from "./upstream/upstream-plan.ts";

/** How a server is closed. */
export interface CloseOptions {
  /** How long open tunnels and associations may go on, in milliseconds. Default 0: they end at once. */
  readonly drainMs?: number;
}

/** Clients whose failed log-ins are remembered. */
const FAILURE_TABLE_SIZE = 10_000;
/** How old the list of this host's addresses may be when it matters. */
const HOST_ADDRESSES_TTL_MS = 1_000;

/**
 * A SOCKS 4, 4A and 5 server.
 *
 * It emits the events of {@link ServerEvents}, and gives the same data to the channels
 * `sockskit:server:session:open`, `:authenticated`, `:denied`, `:bound`, `:connected` and `:close`, and
 * `sockskit:server:upstream`, of `node:diagnostics_channel`. A listener that throws hurts no session; it becomes an `error` event. No event holds
 * a password.
 */
export class SocksServer extends EventEmitter<ServerEvents> {
  readonly #announcer = new Announcer(this);
  readonly #tally: Tally = emptyTally();
  readonly #upstreamHealth = new HealthMemory();
  readonly #host: SessionHost;
  readonly #reception: Reception;
  readonly #listeners = new ListenerSet({
    onClient: (socket, client, entrance) => this.#reception.accept(socket, client, entrance),
    onError: (error) => this.#announcer.report(error),
    onTerms: (listener, plan, entrance) => this.#engine?.serve(listener, plan, entrance),
  });
  readonly #gssapiKeys = new GssapiKeys();
  readonly #ownResolver: Resolver = createResolver();
  #engine: FastEngine | undefined;
  #engineChoice: EngineChoice | undefined;
  #isEngineSettled = true;
  #state: "new" | "listening" | "closing" | "closed" = "new";
  #plan: Plan;
  #settings: Settings;
  #failures: FailureLimit;
  #hostAddresses: readonly IpAddress[] = [];
  #hostAddressesAtMs = 0;
  #retired: Promise<unknown> = Promise.resolve();
  #reloading: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #resolveClosed: (value: Promise<void>) => void = () => undefined;

  /** @internal Use {@link createServer}. */
  constructor(options: ServerOptions) {
    super();
    this.#plan = planServer(options);
    this.#settings = this.#settingsFor(this.#plan, compileRules(this.#plan));
    this.#failures = this.#failureLimit(this.#plan);
    const settings = (): Settings => this.#settings;
    const failures = (): FailureLimit => this.#failures;
    this.#host = {
      get settings() {
        return settings();
      },
      get failures() {
        return failures();
      },
      tally: this.#tally,
      announcer: this.#announcer,
      associations: new KeyedCount(),
      relay: portableRelay,
      openLane: () => this.#engine?.openLane(),
      upstreamHealth: this.#upstreamHealth,
      policyFor: (port) => this.#policyFor(port),
      ended: (session) => this.#reception.ended(session),
    };
    this.#reception = new Reception(
      this.#host,
      () => this.#state === "listening",
      () => this.#finishClosing(),
    );
  }

  /**
   * Opens every listener.
   *
   * @returns The addresses, in the order of `listen`.
   * @throws ServerError `ERR_SOCKS_LISTEN_FAILED` (then none is open), `ERR_SOCKS_ENGINE` (`engine` is `"fastpath"`, which
   * cannot run here), `ERR_SOCKS_SERVER_STATE`.
   */
  async listen(): Promise<readonly ListeningAddress[]> {
    if (this.#state !== "new") {
      throw new ServerError("ERR_SOCKS_SERVER_STATE", "listen() or close() was called before; a server listens once");
    }
    this.#state = "listening";
    try {
      await this.#openEngine(this.#plan.engine);
      return await this.#take(this.#plan);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Takes new options, whole or not at all: everything is checked and every new listener is open before anything
   * changes. Sessions that are open stay as they are; handshakes that are under way go on by the new options.
   *
   * @throws What {@link createServer} and {@link listen} throw; then the server goes on as before.
   */
  reload(options: ServerOptions): Promise<readonly ListeningAddress[]> {
    const reloaded = this.#reloading.then(() => this.#reload(options));
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  /**
   * Stops: accepts nobody, cuts off clients that have no tunnel yet, and lets tunnels and associations go on for
   * `drainMs`.
   * Resolves when everything is closed. Call it again to shorten the time.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const closed = (this.#closed ??= this.#beginClosing());
    const { arrivals, sessions } = this.#reception;
    for (const arrival of arrivals) arrival.stop();
    for (const session of sessions) if (!isInUse(session.phase)) session.stop("server-closed");
    this.#engine?.end(false);
    const end = (): void => {
      this.#engine?.end(true);
      for (const session of sessions) session.stop("server-closed");
    };
    const { drainMs = 0 } = options;
    if (drainMs <= 0) end();
    else {
      const timer = setTimeout(end, Math.min(drainMs, 0x7fffffff));
      void closed.then(() => clearTimeout(timer));
    }
    return closed;
  }

  /** Addresses it listens on now, in the order of `listen`; none before {@link listen} and after {@link close}. */
  get addresses(): readonly ListeningAddress[] {
    return this.#listeners.addresses;
  }

  /** What serves the clients, and why; `undefined` before {@link listen} has resolved. */
  get engine(): EngineChoice | undefined {
    return this.#engineChoice;
  }

  /** Open sessions at this moment. */
  *sessions(): Iterable<SessionInfo> {
    for (const session of this.#reception.sessions) yield session.info;
    yield* this.#engine?.list() ?? [];
  }

  /** Figures of this moment. */
  get stats(): ServerStats {
    const figures = { ...this.#tally, sessions: this.#reception.size };
    for (const session of this.#reception.sessions) addTraffic(figures, session.traffic);
    this.#engine?.addTo(figures);
    return figures;
  }

  async #openEngine(wanted: Plan["engine"]): Promise<void> {
    if (wanted === "portable") {
      this.#engineChoice = ASKED_PORTABLE;
      return;
    }
    const engine = await FastEngine.open({
      host: this.#host,
      resume: (visitor, received, user, onEnd) => this.#reception.resume(visitor, received, user, onEnd),
      ended: () => this.#finishClosing(),
    });
    if (typeof engine === "string") this.#engineChoice = withoutFastpath(wanted, engine);
    else if (this.#state === "listening") {
      this.#engine = engine;
      this.#engineChoice = withFastpath(wanted);
    } else await engine.close();
    this.#requireListening();
  }

  /** Goes on without the fast path, or says that it may not, when nobody could be served by it. */
  async #checkEngine({ engine: wanted }: Plan): Promise<void> {
    const engine = this.#engine;
    if (engine?.problem === undefined || wanted === "portable") return;
    this.#engineChoice = withoutFastpath(wanted, engine.problem);
    this.#engine = undefined;
    await engine.close();
  }

  async #reload(options: ServerOptions): Promise<readonly ListeningAddress[]> {
    this.#requireListening();
    const plan = planServer(options);
    if (plan.engine !== "auto" && (plan.engine === "fastpath") !== (this.#engine !== undefined)) {
      throw badOption(["engine"], "a server that runs cannot change its engine; start it anew");
    }
    const previous = this.#plan;
    try {
      const addresses = await this.#take(plan);
      // It still answers log-ins that it was asked about.
      this.#retired = Promise.all([this.#retired, closeStore(previous)]);
      return addresses;
    } catch (error) {
      await closeStore(plan);
      throw error;
    }
  }

  /** Opens what a plan is missing, and swaps everything at once when all of that worked. */
  async #take(plan: Plan): Promise<readonly ListeningAddress[]> {
    const keys = await this.#gssapiKeys.prepare(plan.listen.map(({ gssapi }) => gssapi));
    let settle: (commit: boolean) => void;
    try {
      settle = await this.#listeners.prepare(plan.listen, keys.acceptors);
    } catch (error) {
      keys.settle(false);
      throw error;
    }
    settle(this.#state === "listening");
    keys.settle(this.#state === "listening");
    await this.#checkEngine(plan);
    this.#requireListening();
    if (plan.limits.loginFailuresPerMinute !== this.#plan.limits.loginFailuresPerMinute) {
      this.#failures = this.#failureLimit(plan);
    }
    this.#plan = plan;
    this.#upstreamHealth.retain(chainKeys(plan.upstreams));
    this.#learnHostAddresses();
    this.#settings = this.#settingsFor(plan, this.#compile(plan));
    await this.#engine?.configure(this.#listeners.ipAddresses);
    return this.addresses;
  }

  #requireListening(): void {
    if (this.#state === "listening") return;
    throw new ServerError("ERR_SOCKS_SERVER_STATE", "the server does not listen; it was not started, or was closed");
  }

  #compile(plan: Plan): Policy {
    return compileRules(plan, this.#listeners.ipAddresses, this.#hostAddresses);
  }

  /** A listener on every address of this host is reached by addresses that this host gets later, too. */
  #policyFor(port: number): Policy {
    const mayBeSelf = this.#listeners.ipAddresses.some((address) => address.port === port && isUnspecified(address));
    if (mayBeSelf && performance.now() - this.#hostAddressesAtMs > HOST_ADDRESSES_TTL_MS) {
      this.#learnHostAddresses();
      this.#settings = { ...this.#settings, policy: this.#compile(this.#plan) };
    }
    return this.#settings.policy;
  }

  #learnHostAddresses(): void {
    this.#hostAddresses = hostAddresses();
    this.#hostAddressesAtMs = performance.now();
  }

  #failureLimit({ limits }: Plan): FailureLimit {
    const onFailure = (client: string): void => this.#engine?.doubt(client);
    return new FailureLimit({ perMinute: limits.loginFailuresPerMinute, capacity: FAILURE_TABLE_SIZE, onFailure });
  }

  #settingsFor(plan: Plan, policy: Policy): Settings {
    const { localAddress, family = "auto", resolver = this.#ownResolver, proxyProtocol = "off" } = plan.outbound;
    return {
      policy,
      ruleLimits: this.#settings?.ruleLimits ?? new RuleLimits(),
      upstreams: plan.upstreams,
      store: plan.store,
      challenge: plan.challenge,
      outbound: { localAddress, family, resolver, proxyProtocol },
      timeouts: plan.timeouts,
      limits: plan.limits,
      ident: plan.ident,
      trustUserIds: plan.trustUserIds,
      bind: plan.bind,
      udp: plan.udp,
      lanes: lanesFor(plan.timeouts, this.#settings?.lanes),
    };
  }

  #beginClosing(): Promise<void> {
    this.#state = "closing";
    this.#listeners.close();
    this.#isEngineSettled = this.#engine === undefined;
    const settled = this.#engine?.settled() ?? Promise.resolve();
    void settled.then(() => {
      this.#isEngineSettled = true;
      this.#finishClosing();
    });
    return new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  #finishClosing(): void {
    if (this.#state !== "closing" || this.#reception.size > 0) return;
    if (!this.#isEngineSettled || this.#engine?.isIdle === false) return;
    this.#state = "closed";
    this.#ownResolver.close?.();
    this.#gssapiKeys.close();
    const closed = Promise.all([this.#retired, closeStore(this.#plan), this.#engine?.close()]);
    this.#resolveClosed(closed.then(() => undefined));
  }
}

/**
 * Makes a server; {@link SocksServer.listen} starts it.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_OPEN_PROXY`, `ERR_SOCKS_BAD_PASSWORD_HASH`,
 * `ERR_SOCKS_HASH_NOT_SUPPORTED`; PolicyError `ERR_SOCKS_BAD_RULE`.
 */
export function createServer(options: ServerOptions = {}): SocksServer {
  return new SocksServer(options);
}

/** Whether a session does what its client came for. */
function isInUse(phase: SessionPhase): boolean {
  return phase === "tunnel" || phase === "association";
}

async function closeStore(plan: Plan): Promise<void> {
  if (plan.ownsStore && plan.store instanceof UserStore) await plan.store.close();
}

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { noneServer, type ServerAuthMethod, userPassServer } from "@sockskit/auth";
import { createResolver, type Resolver } from "@sockskit/dial";
import type { Policy } from "@sockskit/policy";
import { formatAddress, type IpAddress, isUnspecified } from "@sockskit/wire";
import { UserStore } from "./credentials/user-store.ts";
import { ServerError } from "./errors.ts";
import { Announcer, type ServerEvents } from "./events.ts";
import { clientKey } from "./limits/client-key.ts";
import { FailureLimit } from "./limits/failure-limit.ts";
import { KeyedCount } from "./limits/keyed-count.ts";
import { RuleLimits } from "./limits/rule-limits.ts";
import { hostAddresses } from "./listener/host-addresses.ts";
import type { ListenPlan } from "./listener/listen-plan.ts";
import { Listener } from "./listener/listener.ts";
import type { AuthMethodName, ServerOptions } from "./options.ts";
import { compileRules, type Plan, planServer } from "./plan.ts";
import { portableRelay } from "./relay/portable.ts";
import type { Entrance, SessionHost } from "./session/host.ts";
import type { SessionInfo } from "./session/session-info.ts";
import { Session } from "./session/session.ts";
import { lanesFor, type Settings } from "./session/settings.ts";
import { emptyTally, type ServerStats, type Tally } from "./session/tally.ts";

/** An address that a server listens on. */
export interface ListeningAddress {
  /** The address. */
  readonly host: string;
  /** The port, the one that was taken where 0 was asked for. */
  readonly port: number;
}

/** How a server is closed. */
export interface CloseOptions {
  /** How long open tunnels may go on, in milliseconds. Default 0: they end at once. */
  readonly drainMs?: number;
}

interface OpenListener {
  readonly plan: ListenPlan;
  readonly listener: Listener;
  /** What new clients of it get; a reload replaces it. */
  entrance: Entrance;
}

const AUTH_METHODS: Readonly<Record<AuthMethodName, ServerAuthMethod>> = {
  none: noneServer(),
  userpass: userPassServer(),
};
/** Clients whose failed log-ins are remembered. */
const FAILURE_TABLE_SIZE = 10_000;
/** How old the list of this host's addresses may be when it matters. */
const HOST_ADDRESSES_TTL_MS = 1_000;

let lastSessionId = 0;

/**
 * A SOCKS 4, 4A and 5 server.
 *
 * It emits the events of {@link ServerEvents}, and gives the same data to the channels
 * `sockskit:server:session:open`, `:authenticated`, `:denied`, `:connected` and `:close` of
 * `node:diagnostics_channel`. A listener that throws hurts no session; it becomes an `error` event. No event holds
 * a password.
 */
export class SocksServer extends EventEmitter<ServerEvents> {
  readonly #announcer = new Announcer(this);
  readonly #sessions = new Set<Session>();
  readonly #perClient = new KeyedCount();
  readonly #tally: Tally = emptyTally();
  readonly #host: SessionHost;
  readonly #ownResolver: Resolver = createResolver();
  #state: "new" | "listening" | "closing" | "closed" = "new";
  #plan: Plan;
  #settings: Settings;
  #failures: FailureLimit;
  #listeners: OpenListener[] = [];
  #hostAddresses: readonly IpAddress[] = [];
  #hostAddressesAtMs = 0;
  #reloading: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #resolveClosed: (value: Promise<void>) => void = () => undefined;

  /** @internal Use {@link createServer}. */
  constructor(options: ServerOptions) {
    super();
    this.#plan = planServer(options);
    this.#settings = this.#settingsFor(this.#plan, compileRules(this.#plan.rules));
    this.#failures = failureLimit(this.#plan);
    const server = this;
    this.#host = {
      get settings() {
        return server.#settings;
      },
      get failures() {
        return server.#failures;
      },
      tally: this.#tally,
      announcer: this.#announcer,
      relay: portableRelay,
      policyFor: (port) => this.#policyFor(port),
      ended: (session) => this.#ended(session),
    };
  }

  /**
   * Opens every listener.
   *
   * @returns The addresses, in the order of `listen`.
   * @throws ServerError `ERR_SOCKS_LISTEN_FAILED` (then none is open), `ERR_SOCKS_SERVER_STATE`.
   */
  async listen(): Promise<readonly ListeningAddress[]> {
    if (this.#state !== "new")
      throw new ServerError("ERR_SOCKS_SERVER_STATE", "listen() was called before; a server listens once");
    this.#state = "listening";
    try {
      await this.#openListeners(this.#plan);
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.#listeners.map(({ listener: { address } }) => ({ host: address.host, port: address.port }));
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
   * Stops: accepts nobody, cuts off clients that have no tunnel yet, and lets tunnels go on for `drainMs`.
   * Resolves when everything is closed. Call it again to shorten the time.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const closed = (this.#closed ??= this.#beginClosing());
    for (const session of this.#sessions) if (session.phase !== "tunnel") session.stop("server-closed");
    const end = (): void => {
      for (const session of this.#sessions) session.stop("server-closed");
    };
    const { drainMs = 0 } = options;
    if (drainMs <= 0) end();
    else {
      const timer = setTimeout(end, Math.min(drainMs, 0x7fffffff));
      void closed.then(() => clearTimeout(timer));
    }
    return closed;
  }

  /** Open sessions at this moment. */
  *sessions(): Iterable<SessionInfo> {
    const nowMs = performance.now();
    for (const { id, client, user, destination, phase, bytesIn, bytesOut, openedAtMs } of this.#sessions) {
      yield {
        id,
        client,
        ...(user === undefined ? {} : { user }),
        ...(destination === undefined ? {} : { destination }),
        phase,
        bytesIn,
        bytesOut,
        durationMs: nowMs - openedAtMs,
      };
    }
  }

  /** Figures of this moment. */
  get stats(): ServerStats {
    let { bytesIn, bytesOut } = this.#tally;
    for (const session of this.#sessions) {
      bytesIn += session.bytesIn;
      bytesOut += session.bytesOut;
    }
    return { ...this.#tally, sessions: this.#sessions.size, bytesIn, bytesOut };
  }

  #accept(socket: Socket, client: IpAddress, { entrance }: OpenListener): void {
    const { limits, lanes } = this.#settings;
    const key = clientKey(client);
    const full =
      this.#state !== "listening"
        ? "the server is closing"
        : this.#sessions.size >= limits.sessions
          ? "the limit of sessions is reached"
          : this.#perClient.get(key) >= limits.perClient
            ? "the limit of sessions of one client is reached"
            : undefined;
    lastSessionId += 1;
    if (full !== undefined) {
      this.#turnAway(socket, client, full);
      return;
    }
    // Whoever has waited longest is the slowest; everybody honest sends a request within moments.
    if (this.#tally.handshakes >= limits.handshakes) {
      this.#tally.evicted += 1;
      (lanes.handshake.oldest() as Session | undefined)?.stop("evicted");
    }
    this.#tally.accepted += 1;
    this.#perClient.add(key);
    this.#sessions.add(new Session(this.#host, entrance, socket, client, lastSessionId));
  }

  #turnAway(socket: Socket, client: IpAddress, reason: string): void {
    this.#tally.turnedAway += 1;
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
    if (!this.#announcer.isHeard("denied")) return;
    this.#announcer.announce("denied", { id: lastSessionId, client, stage: "accept", code: "ERR_SOCKS_LIMIT", reason });
  }

  #ended(session: Session): void {
    this.#sessions.delete(session);
    this.#perClient.remove(clientKey(session.client));
    this.#finishClosing();
  }

  async #reload(options: ServerOptions): Promise<readonly ListeningAddress[]> {
    if (this.#state !== "listening")
      throw new ServerError("ERR_SOCKS_SERVER_STATE", "only a server that listens can be reloaded");
    const plan = planServer(options);
    const previous = this.#plan;
    try {
      await this.#openListeners(plan);
    } catch (error) {
      if (plan.ownsStore) void closeStore(plan);
      throw error;
    }
    if (previous.ownsStore && previous.store !== plan.store) await closeStore(previous);
    return this.#listeners.map(({ listener: { address } }) => ({ host: address.host, port: address.port }));
  }

  /** Opens what is missing, and only when all of that worked swaps everything at once. */
  async #openListeners(plan: Plan): Promise<void> {
    const left = [...this.#listeners];
    const opened: OpenListener[] = [];
    const next: OpenListener[] = [];
    try {
      for (const wanted of plan.listen) {
        const index = left.findIndex(
          ({ plan: { address, ipv6Only } }) =>
            ipv6Only === wanted.ipv6Only && formatAddress(address) === formatAddress(wanted.address),
        );
        const kept = index === -1 ? undefined : left.splice(index, 1)[0];
        const open = kept ?? (await this.#open(wanted));
        if (kept === undefined) opened.push(open);
        next.push(open);
      }
      if (this.#state !== "listening")
        throw new ServerError("ERR_SOCKS_SERVER_STATE", "the server was closed meanwhile");
    } catch (error) {
      for (const { listener } of opened) listener.close();
      throw error;
    }

    for (const [index, open] of next.entries())
      open.entrance = entranceOf(open.listener.address, plan.listen[index] as ListenPlan);
    for (const { listener } of left) listener.close();
    this.#listeners = next;
    if (plan.limits.loginFailuresPerMinute !== this.#plan.limits.loginFailuresPerMinute)
      this.#failures = failureLimit(plan);
    this.#plan = plan;
    this.#hostAddresses = hostAddresses();
    this.#hostAddressesAtMs = performance.now();
    this.#settings = this.#settingsFor(plan, this.#compile(plan));
  }

  async #open(plan: ListenPlan): Promise<OpenListener> {
    const listener = await Listener.open({
      address: plan.address,
      ipv6Only: plan.ipv6Only,
      onClient: (socket, client) => this.#accept(socket, client, open),
      onError: (error) => this.#announcer.report(error),
    });
    const open: OpenListener = { plan, listener, entrance: entranceOf(listener.address, plan) };
    return open;
  }

  #compile(plan: Plan): Policy {
    return compileRules(
      plan.rules,
      this.#listeners.map(({ listener }) => listener.address),
      this.#hostAddresses,
    );
  }

  #policyFor(port: number): Policy {
    const concerned = this.#listeners.some(
      ({ listener: { address } }) => address.port === port && isUnspecified(address),
    );
    const nowMs = performance.now();
    if (concerned && nowMs - this.#hostAddressesAtMs > HOST_ADDRESSES_TTL_MS) {
      this.#hostAddresses = hostAddresses();
      this.#hostAddressesAtMs = nowMs;
      this.#settings = { ...this.#settings, policy: this.#compile(this.#plan) };
    }
    return this.#settings.policy;
  }

  #settingsFor(plan: Plan, policy: Policy): Settings {
    const { localAddress, family = "auto", resolver = this.#ownResolver } = plan.outbound;
    return {
      policy,
      ruleLimits: new RuleLimits(),
      store: plan.store,
      outbound: { localAddress, family, resolver },
      timeouts: plan.timeouts,
      limits: plan.limits,
      lanes: lanesFor(plan.timeouts, this.#settings?.lanes),
    };
  }

  #beginClosing(): Promise<void> {
    this.#state = "closing";
    for (const { listener } of this.#listeners) listener.close();
    this.#listeners = [];
    queueMicrotask(() => this.#finishClosing());
    return new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  #finishClosing(): void {
    if (this.#state !== "closing" || this.#sessions.size > 0) return;
    this.#state = "closed";
    this.#ownResolver.close?.();
    this.#resolveClosed(closeStore(this.#plan));
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

function entranceOf(address: IpAddress, plan: ListenPlan): Entrance {
  return {
    address,
    handshake: { authMethods: plan.authMethods.map((name) => AUTH_METHODS[name]), versions: plan.versions },
  };
}

function failureLimit(plan: Plan): FailureLimit {
  return new FailureLimit({ perMinute: plan.limits.loginFailuresPerMinute, capacity: FAILURE_TABLE_SIZE });
}

async function closeStore(plan: Plan): Promise<void> {
  if (plan.ownsStore && plan.store instanceof UserStore) await plan.store.close();
}

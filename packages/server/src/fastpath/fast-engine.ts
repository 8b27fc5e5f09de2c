import { Socket } from "node:net";
import type { DataPlane, HandedOver, Report } from "@sockskit/fastpath";
import type { IpAddress } from "@sockskit/wire";
import type { FlowLane } from "../associate/flow-lane.ts";
import { UserStore } from "../credentials/user-store.ts";
import { ServerError } from "../errors.ts";
import type { ListenPlan } from "../listener/listen-plan.ts";
import type { Listener } from "../listener/listener.ts";
import type { ServerStats } from "../session/tally.ts";
import type { Entrance, SessionHost } from "../session/host.ts";
import { LoginStep } from "../session/login-step.ts";
import type { SessionInfo } from "../session/session-info.ts";
import { lastSessionId } from "../session/session-id.ts";
import type { SessionUser } from "../session/session-record.ts";
import { localAddressOf } from "../socket-address.ts";
import type { Visitor } from "../transport/visitor.ts";
import { announceReport } from "./announce-report.ts";
import { type Fastpath, loadFastpath } from "./choose-engine.ts";
import { ThreadLane } from "./thread-lane.ts";
import { lookUp } from "./look-up.ts";
import { entrancePlan, loopSettings } from "./loop-settings.ts";

/** What a {@link FastEngine} needs of the server. */
export interface FastEngineOwner {
  readonly host: SessionHost;
  /** Takes a client in whose request was read; calls `onEnd` when its session is over. */
  readonly resume: (visitor: Visitor, received: Uint8Array, user: SessionUser | undefined, onEnd: () => void) => void;
  /** A session of the thread is over. */
  readonly ended: () => void;
}

interface OpenDoor {
  readonly id: number;
  readonly fd: number;
  readonly listener: Listener;
  entrance: Entrance;
}

/** How often a listener that cannot accept is told about, in milliseconds. */
const ACCEPT_ERROR_PERIOD_MS = 1_000;
const NO_DESCRIPTOR = "this Node does not tell the descriptor of a listening socket, or there is none left";

/** The thread of the fast path, and what it asks the server for. */
export class FastEngine {
  readonly #owner: FastEngineOwner;
  readonly #fastpath: Fastpath;
  readonly #plane: DataPlane;
  /** Those that are closed as well: clients that came by them may still be in their handshake. */
  readonly #doors = new Map<number, OpenDoor>();
  readonly #logins = new Map<number, LoginStep>();
  readonly #lookUps = new Map<number, AbortController>();
  /** What is to be done when the settings are there. */
  readonly #waiting: (() => void)[] = [];
  #ownPorts: readonly number[] = [];
  #lastDoor = 0;
  /** Listeners whose descriptor was not told. */
  #unserved = 0;
  #isInUse = false;
  #isStarting = true;
  /** What the thread has died of before it did anything. */
  #startProblem: string | undefined;
  #acceptErrorAtMs = -ACCEPT_ERROR_PERIOD_MS;

  private constructor(owner: FastEngineOwner, fastpath: Fastpath) {
    this.#owner = owner;
    this.#fastpath = fastpath;
    this.#plane = new fastpath.DataPlane({
      settings: loopSettings(owner.host.settings, []),
      lastId: lastSessionId,
      onReport: (report) => this.#take(report),
      onDeath: (cause, sessions) => this.#died(cause, sessions),
    });
  }

  /** Starts it, or says why it cannot run here. */
  static async open(owner: FastEngineOwner): Promise<FastEngine | string> {
    const loaded = await loadFastpath();
    if (typeof loaded === "string") return loaded;
    const engine = new FastEngine(owner, loaded);
    await engine.settled();
    engine.#isStarting = false;
    if (engine.#startProblem === undefined) return engine;
    await engine.close();
    return engine.#startProblem;
  }

  /** Why nobody can be served by the thread, when its first listeners have shown that. */
  get problem(): string | undefined {
    return this.#unserved > 0 && this.#doors.size === 0 && !this.#isInUse ? NO_DESCRIPTOR : undefined;
  }

  /** Whether every session of the thread is over. */
  get isIdle(): boolean {
    return this.#plane.isIdle;
  }

  /** Has the clients of a listener accepted by the thread, by these terms, as soon as {@link configure} is called. */
  serve(listener: Listener, plan: ListenPlan, entrance: Entrance): void {
    if (plan.unix !== undefined) return;
    const door =
      [...this.#doors.values()].find((known) => known.listener === listener) ?? this.#open(listener, entrance);
    if (door === undefined) return;
    door.entrance = entrance;
    this.#waiting.push(() => this.#plane.listen(door.id, door.fd, entrancePlan(plan, entrance)));
  }

  /** Goes by the settings of this moment, and accepts where {@link serve} said. Resolves when the thread does. */
  configure(listeners: readonly IpAddress[]): Promise<void> {
    this.#isInUse = true;
    if (this.#unserved > 0) {
      const message = `${NO_DESCRIPTOR}: the clients of ${this.#unserved} listeners are served portably`;
      this.#owner.host.announcer.report(new ServerError("ERR_SOCKS_ENGINE", message));
      this.#unserved = 0;
    }
    const settings = loopSettings(this.#owner.host.settings, listeners);
    this.#ownPorts = settings.ownPorts;
    this.#plane.configure(settings);
    // Nobody is served by rules that do not know a listener yet.
    for (const listen of this.#waiting.splice(0)) listen();
    return this.#plane.settled();
  }

  /** Sockets for an association, which the thread reads and writes. */
  openLane(): FlowLane {
    return new ThreadLane(this.#plane, (port) => this.#ownPorts.includes(port));
  }

  #open(listener: Listener, entrance: Entrance): OpenDoor | undefined {
    this.#lastDoor += 1;
    const id = this.#lastDoor;
    const fd = listener.detach(this.#fastpath.duplicateListeningSocket, () => this.#plane.shut(id));
    if (fd === undefined) {
      this.#unserved += 1;
      return undefined;
    }
    const door = { id, fd, listener, entrance };
    this.#doors.set(id, door);
    return door;
  }

  /** Ends sessions: those without a tunnel, or all. */
  end(tunnels: boolean): void {
    this.#plane.end(tunnels);
  }

  /** Resolves when the thread has done everything that it was told. */
  settled(): Promise<void> {
    return this.#plane.settled();
  }

  /** A client has failed to log in. */
  doubt(client: string): void {
    this.#plane.doubt(client);
  }

  /** Ends everything. */
  close(): Promise<void> {
    for (const step of this.#logins.values()) step.cancel();
    for (const lookUp of this.#lookUps.values()) lookUp.abort();
    return this.#plane.close();
  }

  /** Open sessions of the thread. */
  list(): readonly SessionInfo[] {
    return this.#plane.list().map(({ id, client, user, destination, phase, bytesIn, bytesOut, durationMs }) => ({
      id,
      client,
      ...(user === undefined ? {} : { user }),
      ...(destination === undefined ? {} : { destination }),
      phase,
      bytesIn,
      bytesOut,
      durationMs,
    }));
  }

  /** Adds the thread's figures. */
  addTo(stats: { -readonly [K in keyof ServerStats]: number }): void {
    for (const [name, position] of Object.entries(this.#fastpath.COUNTER) as [keyof ServerStats, number][]) {
      stats[name] += this.#plane.counters[position] as number;
    }
  }

  #take(report: Report): void {
    const { announcer } = this.#owner.host;
    switch (report.type) {
      case "verify":
        return this.#verify(report);
      case "resolve":
        return this.#resolve(report.id, report.name);
      case "cancel":
        this.#logins.get(report.id)?.cancel();
        this.#logins.delete(report.id);
        this.#lookUps.get(report.id)?.abort();
        this.#lookUps.delete(report.id);
        return;
      case "handOver":
        return this.#adopt(report.handed);
      case "failed": {
        const message = `session ${report.id} failed on the fast path: ${report.cause}`;
        return announcer.report(new ServerError("ERR_SOCKS_SESSION_FAILED", message));
      }
      case "acceptFailed":
        return this.#acceptFailed(report.errno);
      case "relay":
      case "acknowledged":
        return;
      default:
        announceReport(
          report,
          announcer,
          report.type === "opened" ? this.#doors.get(report.listener)?.entrance.address : undefined,
        );
        if (report.type === "closed") this.#owner.ended();
    }
  }

  #verify({ id, client, username, password }: Extract<Report, { readonly type: "verify" }>): void {
    const { host } = this.#owner;
    const { store } = host.settings;
    // A store of the embedding program is asked each time: only ours says how long its word holds.
    const knownMs = store instanceof UserStore ? store.cacheTtlMs : 0;
    const step = new LoginStep(host, ({ user }) => {
      this.#logins.delete(id);
      const known = user === undefined ? undefined : { name: user.name, groups: [...user.groups] };
      this.#plane.verdict(id, known, host.settings.store === store ? knownMs : 0);
    });
    this.#logins.set(id, step);
    step.start({ type: "userpass", username, password }, client);
  }

  #resolve(id: number, name: string): void {
    const controller = new AbortController();
    this.#lookUps.set(id, controller);
    const { resolver } = this.#owner.host.settings.outbound;
    const { family } = loopSettings(this.#owner.host.settings, []);
    void lookUp(resolver, name, family, controller.signal).then((answer) => {
      this.#lookUps.delete(id);
      if (!controller.signal.aborted) this.#plane.resolved(id, answer);
    });
  }

  #adopt(handed: HandedOver): void {
    const socket = new Socket({ fd: handed.fd, allowHalfOpen: true, readable: true, writable: true });
    const door = this.#doors.get(handed.listener) as OpenDoor;
    const { id, client, user, received, unsent } = handed;
    if (received === undefined) return door.listener.admit(socket);
    if (unsent !== undefined) socket.write(unsent);
    const { entrance } = door;
    const local = localAddressOf(socket) ?? entrance.address;
    const visitor = { id, entrance, socket, client, local, isDirect: true, user: undefined };
    this.#owner.resume(visitor, received, user, () => this.#plane.forget(id));
  }

  #acceptFailed(errno: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#acceptErrorAtMs < ACCEPT_ERROR_PERIOD_MS) return;
    this.#acceptErrorAtMs = nowMs;
    const message = `accepting clients fails: ${this.#fastpath.errorName(errno)}`;
    this.#owner.host.announcer.report(new ServerError("ERR_SOCKS_LISTEN_FAILED", message));
  }

  #died(cause: unknown, sessions: number): void {
    const why = cause instanceof Error ? cause.message : "it ended";
    if (this.#isStarting) {
      this.#startProblem ??= `its thread does not start: ${why}`;
      return;
    }
    for (const step of this.#logins.values()) step.cancel();
    this.#logins.clear();
    for (const lookUp of this.#lookUps.values()) lookUp.abort();
    this.#lookUps.clear();
    const message = `the thread of the fast path has died (${why}); ${sessions} sessions ended, and another thread takes its place`;
    this.#owner.host.announcer.report(new ServerError("ERR_SOCKS_ENGINE", message, { cause }));
    this.#owner.ended();
  }
}

import type { IpAddress } from "@sockskit/wire";
import type { Kernel } from "../kernel/kernel.ts";
import { clientKey } from "./client-key.ts";
import { CONNECTION_EVENTS } from "./dialer.ts";
import type { Transport } from "./direction.ts";
import { Door } from "./door.ts";
import { type Endpoint, type EndpointOwner, EndpointTable } from "./endpoint.ts";
import { COUNTER, type LoopEntrance, type LoopHost, type LoopSettings } from "./host.ts";
import { Lane, type LaneEntry } from "./lane.ts";
import { PipePool } from "./pipe-pool.ts";
import { Session } from "./session.ts";
import type { Tunnel } from "./tunnel.ts";

/** A loop wakes up this often at least: a thread that is told to end must come to notice it. */
export const MAX_WAIT_MS = 1_000;
/** Lanes that are kept though nothing waits in them. */
const MAX_LANES = 32;

/** Everything that runs in one thread: its descriptors, its deadlines, and what is done when they are ready. */
export class Loop implements Transport {
  readonly kernel: Kernel;
  readonly pipes: PipePool;
  readonly counters: Float64Array;
  readonly host: LoopHost;
  nowMs: number;
  settings: LoopSettings;
  readonly sessions: Map<number, Session> = new Map();
  readonly #epoll: number;
  readonly #endpoints = new EndpointTable();
  readonly #lanes = new Map<number, Lane>();
  readonly #doors = new Map<number, Door>();
  readonly #perClient = new Map<string, number>();
  /** Clients that were given away and still count. */
  readonly #given = new Map<number, string>();
  /** Tunnels that used up their turn. */
  #queue: Tunnel[] = [];

  /** @param counters As many as `COUNTER_COUNT`. */
  constructor(kernel: Kernel, host: LoopHost, counters: Float64Array, settings: LoopSettings) {
    this.kernel = kernel;
    this.host = host;
    this.counters = counters;
    this.settings = settings;
    this.pipes = new PipePool(kernel);
    this.nowMs = kernel.nowMs();
    this.#epoll = kernel.epollCreate();
  }

  /** The descriptor that says when there is something to do. */
  get epoll(): number {
    return this.#epoll;
  }

  /** Accepts clients on a listening socket, by new terms where it does already. */
  open(id: number, fd: number, entrance: LoopEntrance): void {
    const door = this.#doors.get(id);
    if (door !== undefined) door.entrance = entrance;
    else this.#doors.set(id, new Door(this, id, fd, entrance));
  }

  /** Stops accepting on one listening socket and closes it, or on all. */
  shut(id?: number): void {
    for (const [key, door] of this.#doors) {
      if (id !== undefined && key !== id) continue;
      this.#doors.delete(key);
      door.close();
    }
  }

  /** Waits for what is next, so long at most, and does it. */
  turn(maxWaitMs: number = MAX_WAIT_MS): void {
    const { kernel } = this;
    const ready = kernel.epollWait(this.#epoll, this.#queue.length > 0 ? 0 : this.#waitMs(maxWaitMs));
    this.nowMs = kernel.nowMs();
    for (let position = 0; position < ready; position++) {
      const endpoint = this.#endpoints.find(kernel.eventIndex(position), kernel.eventGeneration(position));
      if (endpoint === undefined) continue;
      endpoint.note(kernel.eventFlags(position));
      endpoint.owner?.ready(endpoint);
    }
    this.#runQueue();
    for (const [key, lane] of this.#lanes) {
      lane.expire(this.nowMs);
      if (lane.oldest === undefined && this.#lanes.size > MAX_LANES) this.#lanes.delete(key);
    }
  }

  /** Ends the sessions that have no tunnel, or all of them. */
  end(tunnels: boolean): void {
    for (const session of this.sessions.values()) {
      if (tunnels || session.phase !== "tunnel") session.stop("server-closed");
    }
  }

  /** Takes a client on, or turns it away. */
  accept(fd: number, client: IpAddress, door: Door): void {
    const id = this.host.nextId();
    const { handshake } = door.entrance;
    if (handshake === undefined) return this.#giveAway(fd, id, client, door);
    const refusal = this.#refusalFor(client) ?? this.#evictSlowest();
    if (refusal !== undefined) {
      this.add(COUNTER.turnedAway, 1);
      this.host.turnedAway(id, client, refusal);
      this.kernel.resetOnClose(fd);
      this.kernel.close(fd);
      return;
    }
    const session = new Session(this, id, client, door, handshake);
    const endpoint = this.watch(fd, session);
    if (typeof endpoint === "number") {
      this.kernel.close(fd);
      this.host.acceptFailed(endpoint);
      return;
    }
    this.add(COUNTER.accepted, 1);
    this.#count(clientKey(client), 1);
    this.sessions.set(id, session);
    session.start(endpoint);
  }

  /** Watches a connection, or gives an error number. */
  watch(fd: number, owner: EndpointOwner, events: number = CONNECTION_EVENTS): Endpoint | number {
    const endpoint = this.#endpoints.take(fd, owner);
    const { index, generation } = endpoint;
    const result = this.kernel.epollAdd(this.#epoll, fd, events, index, generation);
    if (result === 0) return endpoint;
    this.#endpoints.release(endpoint);
    return -result;
  }

  /** Closes a connection. */
  close(endpoint: Endpoint): void {
    const { fd } = endpoint;
    this.#endpoints.release(endpoint);
    this.kernel.close(fd);
  }

  /** Watches a connection no more, and leaves it open. */
  unwatch(endpoint: Endpoint): number {
    const { fd } = endpoint;
    this.#endpoints.release(endpoint);
    this.kernel.epollRemove(this.#epoll, fd);
    return fd;
  }

  /** The lane of unfinished handshakes, which nothing else is in. */
  get handshakeLane(): Lane {
    const { handshakeMs } = this.settings.timeouts;
    return this.#laneFor(-handshakeMs, handshakeMs);
  }

  /** Gives an entry its time. */
  schedule(entry: LaneEntry, periodMs: number): void {
    this.#laneFor(periodMs, periodMs).add(entry, this.nowMs);
  }

  /** Goes on with a tunnel when the others have had their turn. */
  enqueue(tunnel: Tunnel): void {
    this.#queue.push(tunnel);
  }

  /** Counts. */
  add(counter: number, amount: number): void {
    (this.counters[counter] as number) += amount;
  }

  /** A session is over. */
  ended(session: Session): void {
    this.sessions.delete(session.id);
    this.#count(clientKey(session.client), -1);
  }

  /** A session lives on elsewhere; it counts until {@link forget}. */
  gave(session: Session): void {
    this.sessions.delete(session.id);
    this.#given.set(session.id, clientKey(session.client));
  }

  /** A session that was given away is over. */
  forget(id: number): void {
    const key = this.#given.get(id);
    if (key === undefined) return;
    this.#given.delete(id);
    this.#count(key, -1);
  }

  #laneFor(key: number, periodMs: number): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(periodMs);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** Somebody else takes the client in, and counts it. */
  #giveAway(fd: number, id: number, client: IpAddress, door: Door): void {
    this.kernel.release(fd);
    this.host.handOver({
      id,
      fd,
      listener: door.id,
      client,
      user: undefined,
      received: undefined,
      unsent: undefined,
      durationMs: 0,
    });
  }

  #count(key: string, difference: 1 | -1): void {
    const count = (this.#perClient.get(key) ?? 0) + difference;
    if (count > 0) this.#perClient.set(key, count);
    else this.#perClient.delete(key);
  }

  #refusalFor(client: IpAddress): string | undefined {
    const { limits } = this.settings;
    if (this.sessions.size + this.#given.size >= limits.sessions) return "the limit of sessions is reached";
    if ((this.#perClient.get(clientKey(client)) ?? 0) < limits.perClient) return undefined;
    return "the limit of sessions of one client is reached";
  }

  /** Makes room for one handshake more: whoever has waited longest goes. */
  #evictSlowest(): string | undefined {
    const { limits } = this.settings;
    while ((this.counters[COUNTER.handshakes] as number) >= limits.handshakes) {
      const slowest = this.handshakeLane.oldest;
      if (!(slowest instanceof Session)) return "the limit of unfinished handshakes is reached";
      this.add(COUNTER.evicted, 1);
      slowest.stop("evicted");
    }
    return undefined;
  }

  #runQueue(): void {
    if (this.#queue.length === 0) return;
    const queue = this.#queue;
    this.#queue = [];
    for (const tunnel of queue) tunnel.goOn();
  }

  #waitMs(maxWaitMs: number): number {
    let dueAtMs = this.nowMs + maxWaitMs;
    for (const lane of this.#lanes.values()) if (lane.dueAtMs !== undefined) dueAtMs = Math.min(dueAtMs, lane.dueAtMs);
    return Math.max(0, Math.ceil(dueAtMs - this.kernel.nowMs()));
  }
}

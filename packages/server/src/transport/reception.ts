import type { Socket } from "node:net";
import type { PrefaceFailedEvent } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";
import { clientKey } from "../limits/client-key.ts";
import { KeyedCount } from "../limits/keyed-count.ts";
import type { Entrance, SessionHost } from "../session/host.ts";
import { replay } from "../session/replay.ts";
import { nextSessionId } from "../session/session-id.ts";
import type { SessionUser } from "../session/session-record.ts";
import { Session } from "../session/session.ts";
import { localAddressOf } from "../socket-address.ts";
import { type AcceptedConnection, Arrival } from "./arrival.ts";
import { resetSocket } from "./reset.ts";
import type { Seat } from "./seat.ts";
import { isTrustedSender } from "./trusted-sender.ts";
import type { Visitor } from "./visitor.ts";

/** Why a connection is not taken in. */
export interface Rejection {
  readonly code: "ERR_SOCKS_LIMIT" | PrefaceFailedEvent["code"];
  readonly reason: string;
}

/** Takes connections in as far as the limits allow, leads them through PROXY header and TLS, and makes sessions of them. */
export class Reception {
  readonly #host: SessionHost;
  readonly #isOpen: () => boolean;
  readonly #onLeft: () => void;
  readonly #arrivals = new Set<Arrival>();
  readonly #sessions = new Set<Session>();
  readonly #perClient = new KeyedCount();
  /** Who else wants to know when a session is over. */
  readonly #onEnds = new Map<Session, () => void>();

  /**
   * @param isOpen Whether anybody is taken in at this moment.
   * @param onLeft Called when somebody has left.
   */
  constructor(host: SessionHost, isOpen: () => boolean, onLeft: () => void) {
    this.#host = host;
    this.#isOpen = isOpen;
    this.#onLeft = onLeft;
  }

  /** Connections that are taken in. */
  get size(): number {
    return this.#sessions.size + this.#arrivals.size;
  }

  /** Those that have come as far as SOCKS. */
  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  /** Those that have not. */
  get arrivals(): ReadonlySet<Arrival> {
    return this.#arrivals;
  }

  /** Takes a connection that a listener has accepted. */
  accept(socket: Socket, peer: IpAddress, entrance: Entrance): void {
    const id = nextSessionId();
    // A trusted sender stands for many clients; they are counted when they are known.
    const client = isTrustedSender(entrance.proxyFrom, peer) ? undefined : peer;
    const refusal = this.#refusalFor() ?? this.#refusalOf(client) ?? this.#evictSlowest();
    if (refusal !== undefined) {
      socket.on("error", () => undefined);
      resetSocket(socket);
      return this.#announce(id, peer, { code: "ERR_SOCKS_LIMIT", reason: refusal });
    }
    this.#host.tally.accepted += 1;
    if (client !== undefined) this.#perClient.add(clientKey(client));
    if (entrance.proxyFrom !== undefined || entrance.tls !== undefined) {
      return this.#lead({ id, entrance, socket, peer });
    }
    const isDirect = entrance.path === undefined;
    const local = (isDirect ? localAddressOf(socket) : undefined) ?? entrance.address;
    this.#open({ id, entrance, socket, client: peer, local, isDirect, user: undefined }, undefined);
  }

  /**
   * Takes a client in whose request another thread has read, within the limits that hold there.
   *
   * @param onEnd Called when its session is over, or is none because a reload has come in between.
   */
  resume(visitor: Visitor, received: Uint8Array, user: SessionUser | undefined, onEnd: () => void): void {
    const { socket, client, entrance } = visitor;
    const replayed = this.#isOpen() ? replay(entrance.handshake, received, user) : undefined;
    if (replayed === undefined) {
      socket.on("error", () => undefined);
      resetSocket(socket);
      return onEnd();
    }
    const session = new Session(this.#host, visitor);
    this.#perClient.add(clientKey(client));
    this.#sessions.add(session);
    this.#onEnds.set(session, onEnd);
    session.start(undefined, replayed);
  }

  /** Called by each session at its end. */
  ended(session: Session): void {
    this.#sessions.delete(session);
    this.#onEnds.get(session)?.();
    this.#onEnds.delete(session);
    this.#perClient.remove(clientKey(session.client));
    this.#onLeft();
  }

  #lead(connection: AcceptedConnection): void {
    const arrival = new Arrival(this.#host, connection, {
      known: (client) => {
        const refusal = this.#refusalOf(client);
        if (refusal === undefined) this.#perClient.add(clientKey(client));
        return refusal;
      },
      ready: (visitor, seat) => {
        this.#arrivals.delete(arrival);
        this.#open(visitor, seat);
      },
      refused: (client, rejection) => this.#announce(connection.id, client, rejection),
      ended: (client) => {
        this.#arrivals.delete(arrival);
        if (client !== undefined) this.#perClient.remove(clientKey(client));
        this.#onLeft();
      },
    });
    this.#arrivals.add(arrival);
    arrival.start();
  }

  #open(visitor: Visitor, seat: Seat | undefined): void {
    const session = new Session(this.#host, visitor);
    this.#sessions.add(session);
    session.start(seat);
  }

  /** Why nobody gets a place now. */
  #refusalFor(): string | undefined {
    if (!this.#isOpen()) return "the server is closing";
    return this.size < this.#host.settings.limits.sessions ? undefined : "the limit of sessions is reached";
  }

  /** Why this client gets none; `undefined` for one that is not known yet. */
  #refusalOf(client: IpAddress | undefined): string | undefined {
    const isWithin =
      client === undefined || this.#perClient.get(clientKey(client)) < this.#host.settings.limits.perClient;
    return isWithin ? undefined : "the limit of sessions of one client is reached";
  }

  /**
   * Makes room for one handshake more: whoever has waited longest goes. Everybody honest sends a request within
   * moments. Returns why there is no room, when nobody can go: after a reload, older handshakes wait elsewhere.
   */
  #evictSlowest(): string | undefined {
    const { tally, settings } = this.#host;
    while (tally.handshakes >= settings.limits.handshakes) {
      const slowest = settings.lanes.handshake.oldest() ?? settings.lanes.answer.oldest();
      if (slowest === undefined) return "the limit of unfinished handshakes is reached";
      tally.evicted += 1;
      slowest.holder.stop("evicted");
    }
    return undefined;
  }

  #announce(id: number, client: IpAddress, { code, reason }: Rejection): void {
    const { tally, announcer } = this.#host;
    tally.turnedAway += 1;
    if (announcer.isHeard("denied")) announcer.announce("denied", { id, client, stage: "accept", code, reason });
  }
}

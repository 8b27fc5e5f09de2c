import type { Socket } from "node:net";
import { ConnectionPreface } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import type { Entrance, SessionHost } from "../session/host.ts";
import type { SessionUser } from "../session/session-record.ts";
import { PROXY_HEADER_TIMEOUT_MS, type Settings } from "../session/settings.ts";
import { localAddressOf } from "../socket-address.ts";
import type { Rejection } from "./reception.ts";
import { Seat } from "./seat.ts";
import type { TlsGate } from "./tls-gate.ts";
import { announcedClient, isTrustedSender } from "./trusted-sender.ts";
import type { Visitor } from "./visitor.ts";

/** A connection that a listener has accepted. */
export interface AcceptedConnection {
  readonly id: number;
  readonly entrance: Entrance;
  readonly socket: Socket;
  /** The other end of the connection itself. */
  readonly peer: IpAddress;
}

/** What an {@link Arrival} tells. */
export interface ArrivalEvents {
  /** Its PROXY header says who the client is; answers why that client gets no place. */
  readonly known: (client: IpAddress) => string | undefined;
  /** The next octet is SOCKS; the connection belongs to whoever is called. */
  readonly ready: (visitor: Visitor, seat: Seat) => void;
  /** It is not taken in. `ended` follows. */
  readonly refused: (client: IpAddress, rejection: Rejection) => void;
  /** It is over, without {@link ready}. The client is the one that was counted, if one was. */
  readonly ended: (client: IpAddress | undefined) => void;
}

/** A connection on its way to SOCKS: first its PROXY header, then TLS, as far as its listener has them. */
export class Arrival implements LaneEntry {
  readonly #connection: AcceptedConnection;
  readonly #events: ArrivalEvents;
  readonly #settings: Settings;
  readonly #seat: Seat;
  readonly #local: IpAddress;
  readonly #preface: ConnectionPreface;
  /** Whom its place is counted for. */
  #client: IpAddress | undefined;
  #isDirect: boolean;
  #hasSent = false;
  #isOver = false;

  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onLeft = (): void => this.#left();

  constructor(host: SessionHost, connection: AcceptedConnection, events: ArrivalEvents) {
    const { entrance, socket, peer } = connection;
    this.#connection = connection;
    this.#events = events;
    this.#settings = host.settings;
    this.#seat = new Seat(host, this);
    this.#isDirect = entrance.path === undefined;
    this.#local = (this.#isDirect ? localAddressOf(socket) : undefined) ?? entrance.address;
    const isTrusted = isTrustedSender(entrance.proxyFrom, peer);
    this.#preface = new ConnectionPreface({
      ...(entrance.proxyFrom === undefined ? {} : { proxyHeader: isTrusted ? "required" : "forbidden" }),
      tls: entrance.tls !== undefined,
    });
    if (!isTrusted) this.#client = peer;
  }

  /** Begins to read. */
  start(): void {
    if (this.#preface.awaitsHeader) this.#settings.lanes.proxyHeader.add(this);
    const { socket } = this.#connection;
    socket.on("data", this.#onData).on("end", this.#onLeft).on("close", this.#onLeft).on("error", ignore);
  }

  /** Ends it at once. */
  stop(): void {
    this.#connection.socket.destroy();
    this.#finish();
  }

  /** The time for its PROXY header, or for all of its handshake, is up. */
  expired(): boolean {
    const { handshakeMs } = this.#settings.timeouts;
    if (this.#preface.awaitsHeader) {
      const waitedMs = Math.min(handshakeMs, PROXY_HEADER_TIMEOUT_MS);
      this.#refuse("ERR_SOCKS_PROXY_HEADER", `no PROXY header within ${waitedMs} ms`);
    } else if (this.#connection.entrance.tls !== undefined) {
      this.#refuse("ERR_SOCKS_TLS_FAILED", `no TLS handshake within ${handshakeMs} ms (timeouts.handshakeMs)`);
    } else this.stop();
    return false;
  }

  #receive(chunk: Uint8Array): void {
    this.#hasSent = true;
    for (const event of this.#preface.receive(chunk)) {
      if (event.type === "failed") this.#refuse(event.code, event.reason);
      else if (event.type === "header") this.#welcome(event.endpoints?.source);
      else if (!this.#isOver) this.#proceed(event.rest);
    }
  }

  /** Without a client the header is about the sender's own connection, such as a health check, or nothing is known. */
  #welcome(announced: IpAddress | undefined): void {
    this.#settings.lanes.proxyHeader.delete(this);
    if (announced !== undefined) this.#isDirect = false;
    const client = announcedClient(announced, this.#connection.peer);
    const refusal = this.#events.known(client);
    if (refusal === undefined) this.#client = client;
    else this.#refuse("ERR_SOCKS_LIMIT", refusal, client);
  }

  #proceed(rest: Uint8Array): void {
    const { tls } = this.#connection.entrance;
    if (tls === undefined) this.#pass(rest);
    else this.#secure(tls, rest);
  }

  /** Puts back what belongs to the next protocol, and leaves the connection to whoever speaks it. */
  #release(rest: Uint8Array): void {
    const { socket } = this.#connection;
    socket.off("data", this.#onData).off("end", this.#onLeft);
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
  }

  #secure(tls: TlsGate, chunk: Uint8Array): void {
    this.#release(chunk);
    tls.open(this.#connection.socket, {
      secured: (socket, user) => {
        if (this.#isOver) socket.destroy();
        else this.#ready(socket, user);
      },
      failed: (reason) => this.#refuse("ERR_SOCKS_TLS_FAILED", reason),
    });
  }

  #pass(rest: Uint8Array): void {
    const { socket } = this.#connection;
    this.#release(rest);
    socket.off("error", ignore);
    this.#ready(socket, undefined);
    socket.resume();
  }

  #ready(socket: Socket, user: SessionUser | undefined): void {
    const { id, entrance, peer } = this.#connection;
    this.#isOver = true;
    this.#connection.socket.off("close", this.#onLeft);
    const client = this.#client ?? peer;
    const visitor = { id, entrance, socket, client, local: this.#local, isDirect: this.#isDirect, user };
    this.#events.ready(visitor, this.#seat);
  }

  /** Who has said nothing has done nothing wrong: a look whether the port is open. */
  #left(): void {
    if (!this.#hasSent) return this.stop();
    if (this.#preface.awaitsHeader)
      this.#refuse("ERR_SOCKS_PROXY_HEADER", "the connection ended inside its PROXY header");
    else this.#refuse("ERR_SOCKS_TLS_FAILED", "the connection ended inside the TLS handshake");
  }

  #refuse(code: Rejection["code"], reason: string, client: IpAddress = this.#client ?? this.#connection.peer): void {
    if (this.#isOver) return;
    this.#events.refused(client, { code, reason });
    this.#connection.socket.destroySoon();
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#seat.leave();
    this.#settings.lanes.proxyHeader.delete(this);
    this.#connection.socket.off("data", this.#onData).off("end", this.#onLeft).off("close", this.#onLeft).resume();
    this.#events.ended(this.#client);
  }
}

function ignore(): void {
  // What becomes of the connection is told by its end.
}

import type { ServerHandshakeOptions } from "@sockskit/handshake";
import type { Policy } from "@sockskit/policy";
import type { Address, IpAddress } from "@sockskit/wire";
import type { Session } from "./session.ts";

/** @internal Deadlines of a session, in milliseconds. */
export interface LoopTimeouts {
  /** From accepting a client to its complete request. */
  readonly handshakeMs: number;
  /** To look a name up and connect. */
  readonly connectMs: number;
  /** How long a tunnel may carry nothing in either direction. */
  readonly idleMs: number;
  /** From a failure to the end of the connection at the latest. */
  readonly lingerMs: number;
}

/** @internal How much is taken on. */
export interface LoopLimits {
  /** Sessions at a time, over all listeners. */
  readonly sessions: number;
  /** Sessions at a time of one client address (IPv6: one /64). */
  readonly perClient: number;
  /** Sessions at a time that have not sent their request. */
  readonly handshakes: number;
}

/** @internal What sessions go by. Plain data; a reload replaces it whole. */
export interface LoopSettings {
  /** The rules. */
  readonly policy: Policy;
  /** Deadlines. */
  readonly timeouts: LoopTimeouts;
  /** Limits. */
  readonly limits: LoopLimits;
  /** Address family of destinations. */
  readonly family: "auto" | 4 | 6;
  /** Local address of outgoing connections. */
  readonly localAddress: IpAddress | undefined;
  /** Requests to these ports go to the owner: what they mean depends on this host's addresses of that moment. */
  readonly ownPorts: readonly number[];
  /**
   * For each rule whether it says nothing but that it allows or denies. What another one allows goes to the owner, and so does
   * every request for a name when there is one: its addresses may be what that rule is about.
   */
  readonly plainRules: readonly boolean[];
  /** Whether every request goes to the owner. */
  readonly leavesAll: boolean;
  /** Whether the hosts of SOCKS 4 clients are to be asked who the client is, which the owner does. */
  readonly identifies: boolean;
}

/** Where clients are accepted. */
export interface LoopEntrance {
  /** Address and port of the listener. */
  readonly address: IpAddress;
  /** What is accepted there; absent: clients are handed over as they come. */
  readonly handshake: ServerHandshakeOptions | undefined;
}

/** @internal A user that logged in. */
export interface LoopUser {
  /** The name, as the store calls it. */
  readonly name: string;
  /** Groups of the user, for rules. */
  readonly groups: readonly string[];
}

/** @internal Why a client was refused. */
export interface LoopRefusal {
  readonly stage: "accept" | "negotiate" | "authenticate" | "request";
  readonly code: string;
  readonly reason: string;
  readonly rep: number | undefined;
  readonly rule: number | undefined;
}

/** @internal Why a session ended. */
export type LoopCloseReason =
  | "finished"
  | "client-reset"
  | "target-reset"
  | "idle"
  | "handshake-timeout"
  | "refused"
  | "unreachable"
  | "client-left"
  | "evicted"
  | "server-closed"
  | "failed";

/** How a session ended. */
export interface LoopEnd {
  readonly reason: LoopCloseReason;
  readonly code?: string | undefined;
  readonly rep?: number | undefined;
}

/** @internal An open connection of a client that goes to the owner, who says when it is over, unless nothing was read of it. */
export interface HandedOver {
  /** Number of the session. */
  readonly id: number;
  /** The descriptor: non-blocking, watched by nobody, and the owner's from now on. */
  readonly fd: number;
  /** Number of the listener. */
  readonly listener: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Who the client is, once logged in. */
  readonly user: LoopUser | undefined;
  /**
   * Every octet that the client has sent, the first one first. All answers up to its request were given. Absent: nothing was
   * read of it.
   */
  readonly received: Uint8Array | undefined;
  /** The end of these answers, where the client has not taken them. */
  readonly unsent: Uint8Array | undefined;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
}

/** @internal What a look-up found. */
export type LookupAnswer =
  | { readonly addresses: readonly IpAddress[] }
  | { readonly code: string | undefined; readonly rep: number };

/** What a loop needs of whoever runs it. Nothing waits: answers come by the methods of {@link Session}. */
export interface LoopHost {
  /** A number for a new session. */
  nextId(): number;
  /** Whether a log-in may be answered at once: it was found right a moment ago. */
  known(session: Session, username: Uint8Array, password: Uint8Array): LoopUser | undefined;
  /** Wants a log-in checked; then `verdict` of the session is called. */
  verify(session: Session, username: Uint8Array, password: Uint8Array): void;
  /** Wants a name looked up; then `resolved` of the session is called. */
  resolve(session: Session, name: string): void;
  /** A session that had asked does not wait any more. */
  cancel(session: Session): void;
  /** Gives a client away. */
  handOver(handed: HandedOver): void;
  opened(session: Session): void;
  authenticated(session: Session, method: string): void;
  denied(session: Session, refusal: LoopRefusal): void;
  /** A client was not taken on. */
  turnedAway(id: number, client: IpAddress, reason: string): void;
  connected(session: Session, destination: Address, address: IpAddress, rule: number): void;
  closed(session: Session, end: LoopEnd): void;
  /** Something failed inside a session. */
  failed(session: Session, cause: unknown): void;
  /** Accepting fails with this error number; the loop goes on. */
  acceptFailed(errno: number): void;
}

/** @internal Positions of the figures that a loop counts. Totals count from its start. */
export const COUNTER = {
  /** Sessions that are open now. */
  sessions: 0,
  handshakes: 1,
  tunnels: 2,
  accepted: 3,
  turnedAway: 4,
  evicted: 5,
  logins: 6,
  denied: 7,
  unreachable: 8,
  connected: 9,
  bytesIn: 10,
  bytesOut: 11,
} as const;
/** How many there are. */
export const COUNTER_COUNT = 12;

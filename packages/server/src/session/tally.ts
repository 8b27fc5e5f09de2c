import { droppedCount } from "../associate/datagram-counts.ts";
import type { Traffic } from "../relay/relay.ts";

/** Figures of a server. Totals count from its start. */
export interface ServerStats {
  /** Sessions that are open now. */
  readonly sessions: number;
  /** Of those: sessions that have not sent their request. */
  readonly handshakes: number;
  /** Of those: sessions with an open tunnel. */
  readonly tunnels: number;
  /** Of those: sessions with an open UDP association. */
  readonly associations: number;
  /** Clients accepted, in total. */
  readonly accepted: number;
  /** Connections turned away before SOCKS, by a limit, for their PROXY header or by TLS, in total. */
  readonly turnedAway: number;
  /** Sessions cut off in their handshake to make room for others, in total. */
  readonly evicted: number;
  /** Log-ins that were right, in total. */
  readonly logins: number;
  /** Log-ins that were wrong, or whose protection of the connection came to nothing, in total. */
  readonly failedLogins: number;
  /** Log-ins refused unseen, because too many were waiting or the client had failed too often, in total. */
  readonly refusedLogins: number;
  /** Requests that a rule or its limit denied, in total. */
  readonly denied: number;
  /** Requests whose destination could not be reached, in total. */
  readonly unreachable: number;
  /** Tunnels opened, in total. */
  readonly connected: number;
  /** Associations opened, in total. */
  readonly associated: number;
  /** Look-ups answered, in total. */
  readonly answered: number;
  /** Datagrams taken from clients and sent on, in total, open associations included. */
  readonly datagramsIn: number;
  /** Datagrams taken from destinations and sent to clients, in total, open associations included. */
  readonly datagramsOut: number;
  /** Datagrams that were dropped, for whatever reason, in total, open associations included. */
  readonly datagramsDropped: number;
  /** Bytes taken from clients and sent on, in total, open tunnels and associations included. */
  readonly bytesIn: number;
  /** Bytes taken from destinations and sent to clients, in total, open tunnels and associations included. */
  readonly bytesOut: number;
}

/** The figures while they are counted; what was moved is that of sessions that are closed. */
export type Tally = { -readonly [K in Exclude<keyof ServerStats, "sessions">]: number };

/** A tally of nothing. */
export function emptyTally(): Tally {
  return {
    handshakes: 0,
    tunnels: 0,
    associations: 0,
    accepted: 0,
    turnedAway: 0,
    evicted: 0,
    logins: 0,
    failedLogins: 0,
    refusedLogins: 0,
    denied: 0,
    unreachable: 0,
    connected: 0,
    associated: 0,
    answered: 0,
    datagramsIn: 0,
    datagramsOut: 0,
    datagramsDropped: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** Adds what was moved for a client. */
export function addTraffic(
  tally: Pick<Tally, "bytesIn" | "bytesOut" | "datagramsIn" | "datagramsOut" | "datagramsDropped">,
  { bytesIn, bytesOut, datagrams }: Traffic,
): void {
  tally.bytesIn += bytesIn;
  tally.bytesOut += bytesOut;
  if (datagrams === undefined) return;
  tally.datagramsIn += datagrams.in;
  tally.datagramsOut += datagrams.out;
  tally.datagramsDropped += droppedCount(datagrams);
}

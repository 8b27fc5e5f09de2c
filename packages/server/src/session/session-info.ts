import type { Address, IpAddress } from "@sockskit/wire";
import type { SessionVia } from "../events.ts";

/**
 * Where a session stands: `connecting` is the work on any request, `binding` is BIND waiting for its peer, and
 * `association` is UDP ASSOCIATE relaying datagrams; after `answered` (a look-up) and `refused` only its end is awaited.
 */
export type SessionPhase =
  | "handshake"
  | "connecting"
  | "binding"
  | "tunnel"
  | "association"
  | "answered"
  | "refused"
  | "closed";

/** An open session, as it is at one moment. Plain data. */
export interface SessionInfo {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user that logged in. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** Where the client wants to go, once it said so. */
  readonly destination?: Address;
  /** Through which upstream it goes, or is to go. */
  readonly via?: SessionVia;
  /** Where it stands. */
  readonly phase: SessionPhase;
  /** Bytes taken from the client and sent on. */
  readonly bytesIn: number;
  /** Bytes taken from the destination and sent on. */
  readonly bytesOut: number;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
}

import type { Socket } from "node:net";
import type { IpAddress } from "@sockskit/wire";
import type { Entrance } from "../session/host.ts";
import type { SessionUser } from "../session/session-record.ts";

/** A connection whose next octet is SOCKS. */
export interface Visitor {
  /** Number of its session. */
  readonly id: number;
  /** Where it came in. */
  readonly entrance: Entrance;
  /** The connection, a TLS connection when the listener has TLS. */
  readonly socket: Socket;
  /** Who it is for rules, limits and logs: the one whom a PROXY header announces, else the other end of the connection. */
  readonly client: IpAddress;
  /** The address of this host that it came to. */
  readonly local: IpAddress;
  /** Whether `client` is the other end of a TCP connection of this host: only then ident can be asked about it. */
  readonly isDirect: boolean;
  /** Who its certificate says it is. */
  readonly user: SessionUser | undefined;
}

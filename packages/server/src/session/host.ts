import type { GssapiAcceptor } from "@sockskit/auth-gssapi";
import type { ServerHandshakeOptions } from "@sockskit/handshake";
import type { SslServerTls } from "@sockskit/dial";
import type { Policy } from "@sockskit/policy";
import type { IpAddress, Network } from "@sockskit/wire";
import type { FlowLane } from "../associate/flow-lane.ts";
import type { Announcer } from "../events.ts";
import type { FailureLimit } from "../limits/failure-limit.ts";
import type { KeyedCount } from "../limits/keyed-count.ts";
import type { Relay } from "../relay/relay.ts";
import type { TlsGate } from "../transport/tls-gate.ts";
import type { HealthMemory } from "../upstream/health.ts";
import type { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Tally } from "./tally.ts";

/** Where a session was accepted. */
export interface Entrance {
  /** Address and port of the listener; 127.0.0.1 and port 0 for a Unix socket. */
  readonly address: IpAddress;
  /** Path of the listener, when it is a Unix socket. */
  readonly path: string | undefined;
  /** Who sends a PROXY header, and must. */
  readonly proxyFrom: readonly Network[] | undefined;
  /** Takes TLS connections, when there is TLS. */
  readonly tls: TlsGate | undefined;
  /** Lets clients in with GSS-API, where that is served. */
  readonly gssapi: GssapiAcceptor | undefined;
  /** The address that replies to BIND and UDP ASSOCIATE name instead of our own of the same IP version. */
  readonly advertise: IpAddress | undefined;
  /** TLS of method 06, where it is taken. */
  readonly ssl: SslServerTls | undefined;
  /** What is accepted there. */
  readonly handshake: ServerHandshakeOptions;
}

/** What sessions need of the server. */
export interface SessionHost {
  /** The settings of this moment. */
  readonly settings: Settings;
  readonly tally: Tally;
  readonly announcer: Announcer;
  readonly failures: FailureLimit;
  /** Open UDP associations of each client. */
  readonly associations: KeyedCount;
  readonly relay: Relay;
  /** Sockets for an association that somebody else reads and writes; `undefined` where nobody does. */
  openLane(): FlowLane | undefined;
  /** Which alternatives of upstreams failed lately. */
  readonly upstreamHealth: HealthMemory;
  /** The rules of this moment, knowing the addresses of this host of this moment where that matters for `port`. */
  policyFor(port: number): Policy;
  /** Called once by each session, when everything of it is closed. */
  ended(session: Session): void;
}

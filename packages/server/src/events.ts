import { channel, type Channel } from "node:diagnostics_channel";
import type { EventEmitter } from "node:events";
import type { Address, IpAddress } from "@sockskit/wire";
import type { Command } from "@sockskit/policy";
import type { DatagramCounts } from "./associate/datagram-counts.ts";
import { ServerError } from "./errors.ts";
import type { SessionIdent } from "./ident/verdict.ts";

/** A client connected. */
export interface SessionOpened {
  /** Number of the session, unique in this process. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user, when a certificate says it already. */
  readonly user?: string;
  /** Address and port on which the server took it; 127.0.0.1 and port 0 for a Unix socket. */
  readonly listener: IpAddress;
  /** Path of the Unix socket on which the server took it. */
  readonly path?: string;
}

/** A client finished an authentication method. */
export interface SessionAuthenticated {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the method, such as `"none"` or `"userpass"`. */
  readonly method: string;
  /** Name of the user; absent when the method tells none. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
}

/** A client was refused: by a limit, for its PROXY header, by TLS, by authentication, by the protocol or by a rule. */
export interface SessionDenied {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Where it was refused; `"accept"` is everything before the first octet of SOCKS. */
  readonly stage: "accept" | "negotiate" | "authenticate" | "request";
  /** Stable code of what happened; see `docs/errors.md`. */
  readonly code: string;
  /** Why, for people. Holds nothing that a peer could forge a line of a log with. */
  readonly reason: string;
  /** REP or CD octet that the client was given, when it was given one. */
  readonly rep?: number;
  /** Name of the user that logged in; for a failed log-in the name that was tried, made printable. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** Where the client wanted to go, once it said so. */
  readonly destination?: Address;
  /** Position of the rule that decided, counted from 0. */
  readonly rule?: number;
  /** What ident said of a SOCKS 4 client, when it was asked. */
  readonly ident?: SessionIdent;
}

/** The server listens for a client: for the peer of a BIND, or for the client's datagrams. */
export interface SessionBound {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user, when there is one. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** SOCKS 4 user id, made printable: what the client says, proven by nothing. */
  readonly userId?: string;
  /** SOCKS version of the client. */
  readonly version: 4 | 5;
  /** What the client asked for: `"bind"` or `"udp-associate"`. */
  readonly command: Command;
  /** The peer that BIND is for; for UDP ASSOCIATE where the client says that it will send from. */
  readonly destination: Address;
  /** Address and port that are listened on, also where the reply names another address. */
  readonly address: IpAddress;
  /** The upstream that listens, when a rule sends a BIND to one. */
  readonly via?: SessionVia;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
  /** What ident said of a SOCKS 4 client, when it was asked. */
  readonly ident?: SessionIdent;
}

/** How a session goes on when a rule sends it to an upstream. */
export interface SessionVia {
  /** Name of the upstream. */
  readonly upstream: string;
  /** Which of its alternatives carries the session, counted from 0; absent when none did. */
  readonly alternative?: number;
  /** The proxies of that alternative, nearest first: URLs without passwords. */
  readonly proxies?: readonly string[];
}

/** An alternative of an upstream was put aside because it failed, or works again. */
export interface UpstreamChanged {
  /** Name of the upstream. */
  readonly upstream: string;
  /** Which of its alternatives, counted from 0. */
  readonly alternative: number;
  /** The proxies of that alternative, nearest first: URLs without passwords. */
  readonly proxies: readonly string[];
  /** `"aside"`: the others come first for a while; `"back"`: it works again. */
  readonly state: "aside" | "back";
  /** Failures in a row: how many there are, or were. */
  readonly failures: number;
  /** Aside: after what time it is tried again, in milliseconds. */
  readonly retryMs?: number;
  /** Aside: stable code of the error. */
  readonly code?: string;
  /** Aside: what happened, for people. Holds no password. */
  readonly reason?: string;
}

/** A destination was reached, or the peer of a BIND came, and the tunnel is open. */
export interface SessionConnected {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user, when there is one. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** SOCKS 4 user id, made printable: what the client says, proven by nothing. */
  readonly userId?: string;
  /** SOCKS version of the client. */
  readonly version: 4 | 5;
  /** What the client asked for: `"connect"` or `"bind"`. */
  readonly command: Command;
  /** Where the client wanted to go, or the peer that it expected. */
  readonly destination: Address;
  /** The address that was dialled for it, with `via` that of the first proxy; or the one that the peer came from. */
  readonly address: IpAddress;
  /** Through which upstream, when a rule sends it to one. */
  readonly via?: SessionVia;
  /** Position of the rule that allowed it, counted from 0. */
  readonly rule: number;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
  /** What ident said of a SOCKS 4 client, when it was asked. */
  readonly ident?: SessionIdent;
}

/** A look-up was answered, which ends the session. */
export interface SessionAnswered {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user, when there is one. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** SOCKS 4 user id, made printable: what the client says, proven by nothing. */
  readonly userId?: string;
  /** SOCKS version of the client. */
  readonly version: 4 | 5;
  /** What the client asked for: `"resolve"` or `"resolve-ptr"`. */
  readonly command: Command;
  /** The name whose address, or the address whose name the client wanted; the port means nothing. */
  readonly destination: Address;
  /** What it was told: an address, or a name; with port 0. */
  readonly answer: Address;
  /** Position of the rule that allowed it, counted from 0. */
  readonly rule: number;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
  /** What ident said of a SOCKS 4 client, when it was asked. */
  readonly ident?: SessionIdent;
}

/**
 * Why a session ended: the tunnel or association was used to its end, or a look-up answered (`"finished"`), one side aborted it, a deadline passed, a
 * failure was answered (`"refused"`), the destination could not be reached, the client left before it had a
 * tunnel, others needed the place, the server closed, or something failed on our side.
 */
export type CloseReason =
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

/** A session ended. Every opened session has exactly one. */
export interface SessionClosed {
  /** Number of the session. */
  readonly id: number;
  /** Address and port of the client. */
  readonly client: IpAddress;
  /** Name of the user, when there is one. */
  readonly user?: string;
  /** Who that is for Kerberos, such as `alice@EXAMPLE.COM`, when the log-in was one. */
  readonly principal?: string;
  /** Where the client wanted to go, once it said so. */
  readonly destination?: Address;
  /** Through which upstream it went, or was to go. */
  readonly via?: SessionVia;
  /** Bytes taken from the client and sent on, without those of the handshake. */
  readonly bytesIn: number;
  /** Bytes taken from the destination and sent to the client. */
  readonly bytesOut: number;
  /** Datagrams of a UDP association. */
  readonly datagrams?: DatagramCounts;
  /** Time since the client connected, in milliseconds. */
  readonly durationMs: number;
  /** Why it ended. */
  readonly reason: CloseReason;
  /** Code of the error behind `reason`, when there is one, such as `"ECONNREFUSED"`. */
  readonly code?: string;
  /** REP or CD octet of a failure that the client was given. */
  readonly rep?: number;
}

/** Events of a {@link SocksServer} and what their listeners get. */
export interface ServerEvents {
  /** A client connected. */
  session: [event: SessionOpened];
  /** A client finished an authentication method. */
  authenticated: [event: SessionAuthenticated];
  /** A client was refused. */
  denied: [event: SessionDenied];
  /** The server listens for a client: for a peer, or for datagrams. */
  bound: [event: SessionBound];
  /** A tunnel is open. */
  connected: [event: SessionConnected];
  /** A look-up was answered. */
  answered: [event: SessionAnswered];
  /** A session ended. */
  closed: [event: SessionClosed];
  /** An alternative of an upstream was put aside, or works again. */
  upstream: [event: UpstreamChanged];
  /** Something failed that is no client's doing; the server goes on. Nobody has to listen. */
  error: [error: Error];
}

const CHANNELS: { readonly [name in Exclude<keyof ServerEvents, "error">]: Channel } = {
  session: channel("sockskit:server:session:open"),
  authenticated: channel("sockskit:server:session:authenticated"),
  denied: channel("sockskit:server:session:denied"),
  bound: channel("sockskit:server:session:bound"),
  connected: channel("sockskit:server:session:connected"),
  answered: channel("sockskit:server:session:answered"),
  closed: channel("sockskit:server:session:close"),
  upstream: channel("sockskit:server:upstream"),
};

type SessionEventName = keyof typeof CHANNELS;

/** Gives events out so that who listens cannot hurt who announces. */
export class Announcer {
  readonly #emitter: EventEmitter<ServerEvents>;

  constructor(emitter: EventEmitter<ServerEvents>) {
    this.#emitter = emitter;
  }

  /** Whether anybody would get such an event: what nobody reads need not be made. */
  isHeard(name: SessionEventName): boolean {
    return this.#emitter.listenerCount(name) > 0 || CHANNELS[name].hasSubscribers;
  }

  /** Gives an event to the channel and to every listener; what a listener throws becomes an `error` event. */
  announce<K extends SessionEventName>(name: K, event: ServerEvents[K][0]): void {
    if (CHANNELS[name].hasSubscribers) CHANNELS[name].publish(event);
    this.#call(name, event, (cause) => {
      const message = `a listener of the event "${name}" failed: ${messageOf(cause)}`;
      this.report(new ServerError("ERR_SOCKS_EVENT_LISTENER", message, { cause }));
    });
  }

  /** Reports an error that is no client's doing. Without a listener it is dropped. */
  report(error: Error): void {
    // A listener for errors that fails leaves nobody to tell but the process.
    this.#call("error", error, (cause) => {
      process.emitWarning(`a listener of the event "error" failed: ${messageOf(cause)}`, "SockskitWarning");
    });
  }

  #call(name: keyof ServerEvents, argument: unknown, failed: (cause: unknown) => void): void {
    if (this.#emitter.listenerCount(name) === 0) return;
    for (const listener of this.#emitter.rawListeners(name) as ((argument: unknown) => unknown)[]) {
      try {
        const result = listener.call(this.#emitter, argument);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

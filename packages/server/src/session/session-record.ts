import type { HandshakeRequest } from "@sockskit/handshake";
import type { Address, IpAddress } from "@sockskit/wire";
import type { Command } from "@sockskit/policy";
import type { Announcer, CloseReason, SessionDenied, SessionVia } from "../events.ts";
import type { SessionIdent } from "../ident/verdict.ts";
import { printable } from "../printable.ts";
import type { Traffic } from "../relay/relay.ts";
import type { Visitor } from "../transport/visitor.ts";
import type { Entrance, SessionHost } from "./host.ts";
import type { SessionInfo, SessionPhase } from "./session-info.ts";
import { addTraffic, type Tally } from "./tally.ts";

/** Who a session's client is, once it logged in. */
export interface SessionUser {
  readonly name: string;
  readonly groups: readonly string[];
  /** Who it is for Kerberos, with the realm; printable. */
  readonly principal?: string;
  /** False for a name that ident gave, or a SOCKS 4 user id that is believed. */
  readonly authenticated?: false;
}

/** Why a session ended. */
export interface SessionEnd {
  readonly reason: CloseReason;
  readonly code?: string | undefined;
  readonly rep?: number | undefined;
}

/** Why a client was refused. */
export interface Refusal {
  readonly stage: SessionDenied["stage"];
  readonly code: string;
  readonly reason: string;
  readonly rep?: number | undefined;
  readonly rule?: number | undefined;
}

/**
 * What is known of a session, its part of the server's figures, and its events: what is told is counted here as well. An
 * event that nobody hears is not made.
 */
export class SessionRecord {
  readonly id: number;
  readonly client: IpAddress;
  /** The user, once logged in or named by a certificate. */
  user: SessionUser | undefined;
  /** Where the client wants to go, once it said so. */
  destination: Address | undefined;
  /** The upstream that a rule sends it to. */
  via: SessionVia | undefined;
  /** The name that a failed log-in tried, printable. */
  triedName: string | undefined;
  /** What ident said, when it was asked. */
  ident: SessionIdent | undefined;
  readonly #openedAtMs: number = performance.now();
  readonly #announcer: Announcer;
  readonly #tally: Tally;
  #end: SessionEnd | undefined;

  constructor({ id, client, user }: Visitor, { announcer, tally }: Pick<SessionHost, "announcer" | "tally">) {
    this.id = id;
    this.client = client;
    this.user = user;
    this.#announcer = announcer;
    this.#tally = tally;
  }

  /** Whether it is known why the session ends. */
  get hasEnd(): boolean {
    return this.#end !== undefined;
  }

  /** Says why the session ends. What was said first holds. */
  ends(end: SessionEnd): void {
    this.#end ??= end;
  }

  /** What the session is at this moment. */
  info(phase: SessionPhase, { bytesIn, bytesOut }: Traffic): SessionInfo {
    const at = { phase, bytesIn, bytesOut, durationMs: this.#durationMs() };
    return { ...this.#who(), ...this.#whereTo(), ...this.#via(), ...at };
  }

  opened({ address: listener, path }: Entrance): void {
    if (!this.#announcer.isHeard("session")) return;
    this.#announcer.announce("session", { ...this.#who(), listener, ...(path === undefined ? {} : { path }) });
  }

  authenticated(method: string): void {
    if (this.#announcer.isHeard("authenticated")) this.#announcer.announce("authenticated", { ...this.#who(), method });
  }

  /** The request is denied: by a rule, by its limit, or for what ident said. */
  denied(refusal: Refusal): void {
    this.#tally.denied += 1;
    this.refused(refusal);
  }

  /** The client is let in by its method, but what is to protect the connection comes to nothing. */
  unprotected(refusal: Refusal): void {
    this.#tally.failedLogins += 1;
    this.refused(refusal);
  }

  /** The client is refused. A log-in is counted by whoever judged it. */
  refused({ stage, code, reason, rep, rule }: Refusal): void {
    this.#end = { reason: "refused", code, rep };
    if (!this.#announcer.isHeard("denied")) return;
    this.#announcer.announce("denied", {
      ...this.#who(),
      ...(this.triedName === undefined ? {} : { user: this.triedName }),
      stage,
      code,
      reason,
      ...(rep === undefined ? {} : { rep }),
      ...this.#whereTo(),
      ...this.#identified(),
      ...(rule === undefined ? {} : { rule }),
    });
  }

  bound(request: HandshakeRequest, address: IpAddress): void {
    if (!this.#announcer.isHeard("bound")) return;
    const durationMs = this.#durationMs();
    const data = { ...this.#who(), ...asked(request), ...this.#identified(), address, ...this.#via(), durationMs };
    this.#announcer.announce("bound", data);
  }

  /** The destination cannot be reached. */
  unreachable(code: string | undefined, rep: number): void {
    this.#tally.unreachable += 1;
    this.#end = { reason: "unreachable", code, rep };
  }

  answered(request: HandshakeRequest, answer: Address, rule: number): void {
    this.#tally.answered += 1;
    this.#end = { reason: "finished" };
    if (!this.#announcer.isHeard("answered")) return;
    const durationMs = this.#durationMs();
    const data = { ...this.#who(), ...asked(request), ...this.#identified(), answer, rule, durationMs };
    this.#announcer.announce("answered", data);
  }

  connected(request: HandshakeRequest, address: IpAddress, rule: number): void {
    this.#tally.connected += 1;
    this.#tally.tunnels += 1;
    if (!this.#announcer.isHeard("connected")) return;
    const durationMs = this.#durationMs();
    const data = {
      ...this.#who(),
      ...asked(request),
      ...this.#identified(),
      address,
      ...this.#via(),
      rule,
      durationMs,
    };
    this.#announcer.announce("connected", data);
  }

  /** The tunnel has ended. */
  disconnected(end: SessionEnd): void {
    this.#tally.tunnels -= 1;
    this.#end = end;
  }

  closed(traffic: Traffic): void {
    addTraffic(this.#tally, traffic);
    if (!this.#announcer.isHeard("closed")) return;
    const { bytesIn, bytesOut, datagrams } = traffic;
    const { reason, code, rep }: SessionEnd = this.#end ?? { reason: "client-left" };
    this.#announcer.announce("closed", {
      ...this.#who(),
      ...this.#whereTo(),
      ...this.#via(),
      bytesIn,
      bytesOut,
      ...(datagrams === undefined ? {} : { datagrams }),
      durationMs: this.#durationMs(),
      reason,
      ...(code === undefined ? {} : { code }),
      ...(rep === undefined ? {} : { rep }),
    });
  }

  #who(): { readonly id: number; readonly client: IpAddress; readonly user?: string; readonly principal?: string } {
    const { id, client, user } = this;
    if (user === undefined) return { id, client };
    const { name, principal } = user;
    return principal === undefined ? { id, client, user: name } : { id, client, user: name, principal };
  }

  #whereTo(): { readonly destination?: Address } {
    return this.destination === undefined ? {} : { destination: this.destination };
  }

  #via(): { readonly via?: SessionVia } {
    return this.via === undefined ? {} : { via: this.via };
  }

  #identified(): { readonly ident?: SessionIdent } {
    return this.ident === undefined ? {} : { ident: this.ident };
  }

  #durationMs(): number {
    return performance.now() - this.#openedAtMs;
  }
}

/** What a client asked for, as events have it. */
function asked({ version, userId, command, destination }: HandshakeRequest): {
  readonly version: 4 | 5;
  readonly userId?: string;
  readonly command: Command;
  readonly destination: Address;
} {
  const id = userId === undefined ? {} : { userId: printable(userId) };
  return { ...id, version, command: command as Command, destination };
}

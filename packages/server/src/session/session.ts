import type { Socket } from "node:net";
import type { ServerEvent, HandshakeError, HandshakeRequest } from "@sockskit/handshake";
import { ServerHandshake } from "@sockskit/handshake";
import { repForError } from "@sockskit/policy";
import { type Address, type IpAddress, parseIpAddress, REP, unmapAddress } from "@sockskit/wire";
import type { LoginResult } from "../credentials/login.ts";
import { logIn } from "../credentials/login.ts";
import { ServerError } from "../errors.ts";
import type { CloseReason, SessionDenied } from "../events.ts";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { printable } from "../printable.ts";
import type { Tunnel, TunnelEnd } from "../relay/relay.ts";
import type { Entrance, SessionHost } from "./host.ts";
import { type Outcome, reach } from "./reach.ts";
import type { SessionPhase } from "./session-info.ts";
import type { Settings } from "./settings.ts";

/** What is still read of a client that was refused, so that the refusal is not lost to a reset. */
const MAX_DISCARDED_LENGTH = 0x40000;

/** One client's connection, from accepting it to closing it and all that belongs to it. */
export class Session implements LaneEntry {
  readonly id: number;
  readonly client: IpAddress;
  readonly openedAtMs: number = performance.now();
  readonly #host: SessionHost;
  readonly #socket: Socket;
  #phase: SessionPhase = "handshake";
  #handshake: ServerHandshake | undefined;
  /** The settings whose lanes, limits and outbound options this session uses. */
  #settings: Settings;
  #user: { readonly name: string; readonly groups: readonly string[] } | undefined;
  #destination: Address | undefined;
  #clientEnded = false;
  #discarded = 0;
  #cancelDial: AbortController | undefined;
  #loginTimer: NodeJS.Timeout | undefined;
  #share: RuleShare | undefined;
  #tunnel: Tunnel | undefined;
  #why:
    | { readonly reason: CloseReason; readonly code?: string | undefined; readonly rep?: number | undefined }
    | undefined;

  constructor(host: SessionHost, entrance: Entrance, socket: Socket, client: IpAddress, id: number) {
    this.id = id;
    this.client = client;
    this.#host = host;
    this.#socket = socket;
    this.#settings = host.settings;
    this.#handshake = new ServerHandshake(entrance.handshake);
    host.tally.handshakes += 1;
    this.#settings.lanes.handshake.add(this);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#destroy("client-left", error.code));
    socket.on("close", () => this.#finish());
    if (host.announcer.isHeard("session"))
      host.announcer.announce("session", { id, client, listener: entrance.address });
  }

  /** Where the session stands. */
  get phase(): SessionPhase {
    return this.#phase;
  }

  /** Name of the user that logged in. */
  get user(): string | undefined {
    return this.#user?.name;
  }

  /** Where the client wants to go. */
  get destination(): Address | undefined {
    return this.#destination;
  }

  /** Bytes taken from the client and sent on. */
  get bytesIn(): number {
    return this.#tunnel?.bytesIn ?? 0;
  }

  /** Bytes taken from the destination and sent on. */
  get bytesOut(): number {
    return this.#tunnel?.bytesOut ?? 0;
  }

  /** Ends the session at once. */
  stop(reason: "server-closed" | "evicted"): void {
    if (this.#tunnel === undefined) this.#destroy(reason);
    else this.#tunnel.abort();
  }

  /** Its time is up: to send a request, or to leave after a refusal. */
  expired(): boolean {
    this.#destroy("handshake-timeout");
    return false;
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === "refused") {
      this.#discarded += chunk.length;
      if (this.#discarded > MAX_DISCARDED_LENGTH) this.#socket.pause();
      return;
    }
    this.#advance(() => this.#handshake?.receive(chunk));
  }

  #onEnd(): void {
    this.#clientEnded = true;
    this.#leaveIfNothingMoreComes();
  }

  /** Runs a step of the handshake. What fails in it ends this session and nothing else. */
  #advance(step: () => readonly ServerEvent[] | undefined): void {
    try {
      for (const event of step() ?? []) this.#perform(event);
      this.#holdBack();
      this.#leaveIfNothingMoreComes();
    } catch (error) {
      this.#fail(error);
    }
  }

  #perform(event: ServerEvent): void {
    switch (event.type) {
      case "send":
        this.#socket.write(event.data);
        return;
      case "authenticate":
        this.#logIn(event.evidence.username, event.evidence.password);
        return;
      case "authenticated":
        if (this.#host.announcer.isHeard("authenticated")) {
          this.#host.announcer.announce("authenticated", { ...this.#identity(), method: event.methodName });
        }
        return;
      case "request":
        this.#connect(event.request);
        return;
      case "failed":
        this.#refuse(event.error);
        return;
    }
  }

  /** While the server is busy for a client that sends on, nothing more is read than what has arrived. */
  #holdBack(): void {
    const handshake = this.#handshake;
    const busy = handshake?.state === "verifying" || handshake?.state === "deciding";
    if (busy && handshake.bufferedLength > 0) this.#socket.pause();
  }

  /** A client that has ended its side in the middle of the handshake will never send a request. */
  #leaveIfNothingMoreComes(): void {
    if (this.#clientEnded && this.#phase === "handshake" && this.#handshake?.state !== "verifying")
      this.#destroy("client-left");
  }

  #logIn(username: Uint8Array, password: Uint8Array): void {
    const startedAtMs = performance.now();
    const { store } = this.#host.settings;
    const conclude = (result: LoginResult): void => this.#concludeLogin(result, username, startedAtMs);
    const broken = (cause: unknown): void => {
      this.#host.announcer.report(
        new ServerError("ERR_SOCKS_SESSION_FAILED", "the credential store failed; the client was not let in", {
          cause,
        }),
      );
      conclude({ accepted: false, reason: "busy" });
    };
    try {
      if (store === undefined)
        return broken(new ServerError("ERR_SOCKS_SERVER_STATE", "there is no credential store any more"));
      const cancelled = (): boolean => this.#phase !== "handshake";
      const result = logIn({ username, password, client: this.client, cancelled }, store, this.#host.failures);
      if (result instanceof Promise) result.then(conclude, broken);
      else queueMicrotask(() => conclude(result));
    } catch (error) {
      queueMicrotask(() => broken(error));
    }
  }

  #concludeLogin(result: LoginResult, username: Uint8Array, startedAtMs: number): void {
    if (this.#phase !== "handshake") return;
    const { tally } = this.#host;
    if (result.accepted) {
      tally.logins += 1;
      this.#user = { name: result.identity, groups: result.groups };
      this.#resume(() => this.#handshake?.authenticated({ accepted: true, identity: result.identity }));
      return;
    }
    if (result.reason === "rejected") tally.failedLogins += 1;
    else tally.refusedLogins += 1;
    const answer = (): void => {
      this.#user = undefined;
      this.#triedName = printable(username);
      this.#resume(() => this.#handshake?.authenticated({ accepted: false }));
    };
    // Wrong passwords and used-up tries are answered after the same time, whatever they took. Nobody learns
    // anything from "too busy".
    if (result.reason === "busy") return answer();
    const passedMs = performance.now() - startedAtMs;
    this.#loginTimer = setTimeout(answer, Math.max(0, this.#settings.timeouts.loginFailureMs - passedMs)).unref();
  }
  #triedName: string | undefined;

  #resume(step: () => readonly ServerEvent[] | undefined): void {
    this.#advance(step);
    if (this.#phase === "handshake" || this.#phase === "refused") this.#socket.resume();
  }

  #connect(request: HandshakeRequest): void {
    this.#leaveHandshake("connecting");
    this.#destination = request.destination;
    this.#settings = this.#host.settings;
    this.#cancelDial = new AbortController();
    const { destination } = request;
    const question = {
      client: this.client,
      command: "connect" as const,
      destination,
      ...(this.#user === undefined ? {} : { user: this.#user }),
    };
    reach(question, this.#host.policyFor(destination.port), this.#settings, this.#cancelDial.signal).then(
      (outcome) => this.#advance(() => this.#answer(outcome, request)),
      (error: unknown) => this.#fail(error),
    );
  }

  #answer(outcome: Outcome, request: HandshakeRequest): readonly ServerEvent[] | undefined {
    this.#cancelDial = undefined;
    const handshake = this.#handshake;
    if (this.#phase !== "connecting" || handshake === undefined) {
      if (outcome.type === "reached") {
        outcome.target.destroy();
        if (outcome.share !== undefined) this.#settings.ruleLimits.release(outcome.share);
      }
      return undefined;
    }
    switch (outcome.type) {
      case "denied":
        this.#host.tally.denied += 1;
        this.#why = { reason: "refused", code: outcome.code, rep: REP.connectionNotAllowedByRuleset };
        this.#announceDenied({
          stage: "request",
          code: outcome.code,
          reason: outcome.reason,
          rep: REP.connectionNotAllowedByRuleset,
          rule: outcome.rule,
        });
        return handshake.reply({ rep: REP.connectionNotAllowedByRuleset });
      case "unreachable": {
        this.#host.tally.unreachable += 1;
        const rep = repForError(outcome.error);
        this.#why = { reason: "unreachable", code: codeOf(outcome.error), rep };
        return handshake.reply({ rep });
      }
      case "reached":
        this.#share = outcome.share;
        this.#open(outcome, request, handshake);
        return undefined;
    }
  }

  #open(outcome: Extract<Outcome, { type: "reached" }>, request: HandshakeRequest, handshake: ServerHandshake): void {
    const { target, address, rule, share } = outcome;
    const boundAddress = localAddressOf(target);
    for (const event of handshake.reply(
      boundAddress === undefined ? { rep: REP.succeeded } : { rep: REP.succeeded, boundAddress },
    )) {
      if (event.type === "send") this.#socket.write(event.data);
    }
    const early = handshake.takeTrailingData();
    this.#handshake = undefined;
    this.#phase = "tunnel";
    this.#host.tally.tunnels += 1;
    this.#host.tally.connected += 1;
    for (const name of ["data", "end", "error", "close"]) this.#socket.removeAllListeners(name);
    this.#tunnel = this.#host.relay.start({
      client: this.#socket,
      target,
      early,
      bucket: share?.bucket,
      idleMs: this.#settings.timeouts.idleMs,
      idleLane: this.#settings.lanes.idle,
      onEnd: (end) => this.#finishTunnel(end),
    });
    if (!this.#host.announcer.isHeard("connected")) return;
    this.#host.announcer.announce("connected", {
      ...this.#identity(),
      ...(request.userId === undefined ? {} : { userId: printable(request.userId) }),
      version: request.version,
      destination: request.destination,
      address,
      rule,
      durationMs: performance.now() - this.openedAtMs,
    });
  }

  /** The machine has answered with a failure, where it could: end our side at once and wait a little for the client's. */
  #refuse(error: HandshakeError): void {
    if (this.#why === undefined) {
      this.#why = { reason: "refused", code: error.code, rep: error.rep };
      const { stage, code, message: reason, rep } = error;
      this.#announceDenied({ stage, code, reason, rep });
    }
    this.#leaveHandshake("refused");
    this.#handshake = undefined;
    this.#settings.lanes.linger.add(this);
    this.#socket.end();
    this.#socket.resume();
  }

  #leaveHandshake(next: SessionPhase): void {
    if (this.#phase === "handshake") {
      this.#host.tally.handshakes -= 1;
      this.#settings.lanes.handshake.delete(this);
    }
    this.#phase = next;
  }

  #fail(cause: unknown): void {
    this.#host.announcer.report(
      new ServerError("ERR_SOCKS_SESSION_FAILED", `session ${this.id} failed: ${String(cause)}`, { cause }),
    );
    this.#destroy("failed");
  }

  #destroy(reason: CloseReason, code?: string): void {
    this.#why ??= { reason, code };
    this.#cancelDial?.abort();
    this.#socket.destroy();
  }

  #finishTunnel(end: TunnelEnd): void {
    this.#why = end;
    this.#host.tally.tunnels -= 1;
    this.#finish();
  }

  #finish(): void {
    if (this.#phase === "closed") return;
    this.#leaveHandshake("closed");
    this.#settings.lanes.linger.delete(this);
    this.#cancelDial?.abort();
    clearTimeout(this.#loginTimer);
    if (this.#share !== undefined) this.#settings.ruleLimits.release(this.#share);
    const { bytesIn, bytesOut } = this;
    this.#host.tally.bytesIn += bytesIn;
    this.#host.tally.bytesOut += bytesOut;
    const { announcer } = this.#host;
    if (announcer.isHeard("closed")) {
      const { reason, code, rep } = this.#why ?? { reason: "client-left" };
      announcer.announce("closed", {
        ...this.#identity(),
        ...(this.#destination === undefined ? {} : { destination: this.#destination }),
        bytesIn,
        bytesOut,
        durationMs: performance.now() - this.openedAtMs,
        reason,
        ...(code === undefined ? {} : { code }),
        ...(rep === undefined ? {} : { rep }),
      });
    }
    this.#host.ended(this);
  }

  #identity(): { readonly id: number; readonly client: IpAddress; readonly user?: string } {
    const { id, client } = this;
    return this.#user === undefined ? { id, client } : { id, client, user: this.#user.name };
  }

  #announceDenied(what: {
    stage: SessionDenied["stage"];
    code: string;
    reason: string;
    rep?: number | undefined;
    rule?: number | undefined;
  }): void {
    const { announcer } = this.#host;
    if (!announcer.isHeard("denied")) return;
    const { stage, code, reason, rep, rule } = what;
    announcer.announce("denied", {
      ...this.#identity(),
      ...(this.#triedName === undefined ? {} : { user: this.#triedName }),
      stage,
      code,
      reason,
      ...(rep === undefined ? {} : { rep }),
      ...(rule === undefined ? {} : { rule }),
      ...(this.#destination === undefined ? {} : { destination: this.#destination }),
    });
  }
}

/** The system's code behind an error, or its own. */
function codeOf(error: Error): string | undefined {
  const cause = error.cause as { code?: unknown } | undefined;
  if (typeof cause?.code === "string") return cause.code;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function localAddressOf(socket: Socket): IpAddress | undefined {
  const { localAddress, localPort } = socket;
  const address = localAddress === undefined ? undefined : parseIpAddress(localAddress, localPort);
  return address === undefined ? undefined : (unmapAddress(address) as IpAddress);
}

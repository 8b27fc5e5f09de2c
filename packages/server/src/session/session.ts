import type { Socket } from "node:net";
import type { AuthEvidence, SecureLayer } from "@sockskit/auth";
import {
  type HandshakeError,
  type HandshakeRequest,
  type ServerEvent,
  ServerHandshake,
  type ServerReply,
} from "@sockskit/handshake";
import { type Command, repForError } from "@sockskit/policy";
import { type Address, type IpAddress, REP, withPort } from "@sockskit/wire";
import { codeBehind, ServerError } from "../errors.ts";
import type { CloseReason } from "../events.ts";
import { claimedUser } from "../ident/user-name.ts";
import type { IdentVerdict } from "../ident/verdict.ts";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import { NO_TRAFFIC, type Traffic, type Tunnel } from "../relay/relay.ts";
import { Seat } from "../transport/seat.ts";
import type { Visitor } from "../transport/visitor.ts";
import { Authentication } from "./authentication.ts";
import { ClientConnection } from "./client-connection.ts";
import type { SessionHost } from "./host.ts";
import type { Replayed } from "./replay.ts";
import type { Denial } from "./rule-share.ts";
import type { SessionInfo, SessionPhase } from "./session-info.ts";
import { SessionRecord } from "./session-record.ts";
import type { Settings } from "./settings.ts";
import { type Task, type TaskTunnel, taskFor } from "./task.ts";

/** One client's connection, from accepting it until everything that belongs to it is closed. */
export class Session implements LaneEntry {
  readonly #host: SessionHost;
  readonly #visitor: Visitor;
  readonly #connection: ClientConnection;
  readonly #record: SessionRecord;
  /** What it goes by: its lanes and limits stay the same ones until its end, whatever is reloaded. */
  #settings: Settings;
  #phase: SessionPhase = "handshake";
  #seat: Seat | undefined;
  #handshake: ServerHandshake | undefined;
  readonly #authentication: Authentication;
  #task: Task | undefined;
  #tunnel: Tunnel | undefined;
  #traffic: Traffic | undefined;
  #clientEnded = false;

  constructor(host: SessionHost, visitor: Visitor) {
    this.#host = host;
    this.#visitor = visitor;
    this.#connection = new ClientConnection(visitor.socket, {
      data: (chunk) => this.#receive(chunk),
      end: () => this.#clientEnds(),
      error: (error) => this.#destroy("client-left", error.code),
      close: () => this.#finish(),
    });
    this.#record = new SessionRecord(visitor, host);
    this.#settings = host.settings;
    this.#handshake = new ServerHandshake(visitor.entrance.handshake);
    this.#authentication = new Authentication(host, visitor);
  }

  /** Where it stands. */
  get phase(): SessionPhase {
    return this.#phase;
  }

  /** Address and port of the client. */
  get client(): IpAddress {
    return this.#record.client;
  }

  /** What was moved for the client until now. */
  get traffic(): Traffic {
    return this.#traffic ?? NO_TRAFFIC;
  }

  /** What it is at this moment. */
  get info(): SessionInfo {
    return this.#record.info(this.#phase, this.traffic);
  }

  /** Begins to read; with a handshake that was read elsewhere, where that one stands. */
  start(seat: Seat = new Seat(this.#host, this), replayed?: Replayed): void {
    seat.holder = this;
    this.#seat = seat;
    this.#connection.listen();
    if (replayed === undefined) return this.#record.opened(this.#visitor.entrance);
    this.#handshake = replayed.handshake;
    this.#record.user = this.#authentication.resume(replayed);
    this.#advance(() => [{ type: "request", request: replayed.request }]);
  }

  /** Ends it at once. */
  stop(reason: "server-closed" | "evicted"): void {
    if (this.#tunnel === undefined) this.#destroy(reason);
    else this.#tunnel.abort();
  }

  /** Its time is up: to send a request, or to leave after the last answer. */
  expired(): boolean {
    this.#destroy("handshake-timeout");
    return false;
  }

  #clientEnds(): void {
    this.#clientEnded = true;
    if (!this.#run(() => this.#task?.clientEnded?.())) this.#leaveIfNothingMoreComes();
  }

  #receive(chunk: Buffer): void {
    const task = this.#task;
    if (task?.receive !== undefined)
      return void this.#run(() => task.receive?.(chunk) === false && this.#connection.socket.pause());
    const handshake = this.#handshake;
    if (handshake !== undefined) return this.#advance(() => handshake.receive(chunk));
    this.#connection.discard(chunk);
  }

  /** Makes a step of the handshake and does what it says. What fails in it ends this session and nothing else. */
  #advance(step: () => readonly ServerEvent[] | undefined): void {
    try {
      for (const event of step() ?? []) this.#perform(event);
      this.#holdBack();
      this.#leaveIfNothingMoreComes();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #perform(event: ServerEvent): void {
    switch (event.type) {
      case "send":
        this.#connection.socket.write(event.data);
        break;
      case "authenticate":
        this.#logIn(event.evidence);
        break;
      case "authenticated":
        this.#record.user = this.#authentication.finish(event.identity);
        this.#record.authenticated(event.methodName);
        break;
      case "request":
        this.#identify(event.request);
        break;
      case "secure":
        this.#secure(event.layer);
        break;
      case "failed":
        this.#refuse(event.error);
        break;
    }
  }

  /**
   * While the server works for a client that has sent more already, nothing more is read of it. A client that
   * waits is read, because that is how one learns that it has left.
   */
  #holdBack(): void {
    const handshake = this.#handshake;
    if (handshake === undefined || handshake.state === "securing" || this.#task?.receive !== undefined) return;
    const isBusy = handshake.state === "verifying" || handshake.state === "deciding";
    if (isBusy && handshake.bufferedLength > 0) this.#connection.socket.pause();
    else if (this.#connection.socket.isPaused()) this.#connection.socket.resume();
  }

  /** A client that ended its side in the middle of the handshake will never send the rest. */
  #leaveIfNothingMoreComes(): void {
    if (!this.#clientEnded || this.#phase !== "handshake" || this.#handshake?.state === "verifying") return;
    this.#destroy("client-left");
  }

  #logIn(evidence: AuthEvidence): void {
    this.#seat?.awaitAnswer(false);
    this.#authentication.judge(evidence, (verdict, triedName) => {
      this.#record.triedName = triedName;
      if ("challenge" in verdict) this.#seat?.awaitAnswer(true);
      this.#advance(() => this.#handshake?.authenticated(verdict));
    });
  }

  /** Everything from here on goes through what protects it. Nobody else may touch the connection meanwhile. */
  #secure(layer: SecureLayer): void {
    const early = this.#handshake?.takeTrailingData();
    const open = (bare: Socket): Promise<Socket> => this.#authentication.openLayer(layer, bare);
    this.#connection.replace(open, early).then(
      () => this.#advance(() => this.#handshake?.secured()),
      (error: unknown) => this.#lose(error as Error),
    );
  }

  /** There is no connection any more: its layer came to nothing, or it ended meanwhile. */
  #lose(error: Error & { readonly code?: string }): void {
    const { code = "ERR_SOCKS_SESSION_FAILED" } = error;
    if (!this.#record.hasEnd) this.#record.unprotected({ stage: "authenticate", code, reason: error.message });
    this.#destroy("refused", code);
    this.#finish();
  }

  /** Who the client is may have to be asked elsewhere. */
  #identify(request: HandshakeRequest): void {
    this.#moveTo("connecting");
    this.#record.destination = request.destination;
    const isAsked = this.#authentication.identify(request, (verdict) =>
      this.#advance(() => {
        this.#identified(verdict, request);
        return undefined;
      }),
    );
    if (!isAsked) this.#begin(request);
  }

  #identified({ ident, name, refusal }: IdentVerdict, request: HandshakeRequest): void {
    this.#record.ident = ident;
    if (name !== undefined) this.#record.user ??= { name, groups: [], authenticated: false };
    if (refusal === undefined) return this.#begin(request);
    const { code, reason, cd } = refusal;
    this.#record.denied({ stage: "authenticate", code, reason, rep: cd });
    this.#reply({ rep: REP.connectionNotAllowedByRuleset, cd });
  }

  /** Everything is known that the rules are asked about: what the client wants begins here. */
  #begin(request: HandshakeRequest): void {
    const { destination, command } = request;
    const policy = this.#host.policyFor(destination.port);
    const settings = this.#host.settings;
    this.#settings = settings;
    if (settings.trustUserIds) this.#record.user ??= claimedUser(request.userId);
    const problem = this.#authentication.problemWith(command);
    if (problem !== undefined) return this.#deny(problem);
    const { user } = this.#record;
    const asked = { client: this.client, command: command as Command, destination };
    const task = taskFor({
      host: this.#host,
      settings,
      policy,
      request,
      question: user === undefined ? asked : { ...asked, user },
      localAddress: this.#visitor.local,
      run: (step) => this.#run(step),
      takeCredentials: () => this.#authentication.takeCredentials(),
      goesVia: (via) => {
        this.#record.via = via;
      },
      datagrams: this.#authentication.datagrams(),
      takeEarly: () => this.#handshake?.takeTrailingData(),
      listening: (address, phase, isOurs) => this.#listening(address, phase, request, isOurs),
      carry: (traffic) => {
        this.#traffic = traffic;
      },
      answer: (answer, rule) => this.#answer(answer, rule, request),
      deny: (denial) => this.#deny(denial),
      fail: (error) => this.#answerFailure(error),
      openTunnel: (tunnel) => this.#openTunnel(tunnel, request),
      close: (reason) => this.#destroy(reason),
    });
    this.#task = task;
    task.start();
    if (this.#clientEnded) this.#run(() => task.clientEnded?.());
  }

  #run(step: () => void): boolean {
    if (this.#task === undefined) return false;
    this.#advance(() => {
      step();
      return undefined;
    });
    return true;
  }

  #reply(reply: ServerReply): void {
    for (const event of this.#handshake?.reply(reply) ?? []) this.#perform(event);
  }

  #answer(answer: Address, rule: number, request: HandshakeRequest): void {
    this.#reply({ rep: REP.succeeded, boundAddress: answer });
    this.#record.answered(request, answer, rule);
    this.#leave("answered");
  }

  #deny(denial: Denial): void {
    const rep = REP.connectionNotAllowedByRuleset;
    this.#record.denied({ stage: "request", ...denial, rep });
    this.#reply({ rep });
  }

  #answerFailure(error: Error): void {
    const rep = repForError(error);
    this.#record.unreachable(codeBehind(error), rep);
    this.#reply({ rep });
  }

  #listening(address: IpAddress, phase: "binding" | "association", request: HandshakeRequest, isOurs: boolean): void {
    const advertise = isOurs ? this.#visitor.entrance.advertise : undefined;
    const boundAddress = advertise?.type === address.type ? withPort(advertise, address.port) : address;
    this.#reply({ rep: REP.succeeded, boundAddress });
    this.#moveTo(phase);
    this.#record.bound(request, address);
  }

  #openTunnel({ target, early, boundAddress, address, rule, bucket }: TaskTunnel, request: HandshakeRequest): void {
    try {
      this.#reply({ rep: REP.succeeded, boundAddress });
      this.#tunnel = this.#host.relay.start({
        client: this.#connection.socket,
        target,
        early,
        bucket,
        idleMs: this.#settings.timeouts.idleMs,
        idleLane: this.#settings.lanes.idle,
        onEnd: (end) => {
          this.#record.disconnected(end);
          this.#finish();
        },
      });
      this.#traffic = this.#tunnel;
      this.#connection.release();
    } catch (error) {
      target.destroy();
      throw error;
    }
    this.#handshake = undefined;
    this.#moveTo("tunnel");
    this.#record.connected(request, address, rule);
  }

  /** What the protocol has as an answer is sent: our side ends at once, the client's may take a little longer. */
  #refuse(error: HandshakeError): void {
    if (!this.#record.hasEnd) this.#record.refused(this.#authentication.refusal(error));
    this.#leave("refused");
  }

  #leave(phase: "answered" | "refused"): void {
    this.#handshake = undefined;
    this.#stopTask();
    this.#moveTo(phase);
    this.#settings.lanes.linger.add(this);
    this.#connection.socket.end();
    this.#connection.socket.resume();
  }

  #moveTo(phase: SessionPhase): void {
    this.#seat?.leave();
    this.#phase = phase;
  }

  #stopTask(): void {
    const task = this.#task;
    this.#task = undefined;
    this.#authentication.cancel();
    task?.stop();
  }

  #fail(cause: unknown): void {
    const message = `session ${this.#record.id} failed: ${cause instanceof Error ? cause.message : String(cause)}`;
    this.#host.announcer.report(new ServerError("ERR_SOCKS_SESSION_FAILED", message, { cause }));
    this.#destroy("failed");
  }

  #destroy(reason: CloseReason, code?: string): void {
    this.#record.ends({ reason, code });
    this.#moveTo("closed");
    this.#connection.socket.destroy();
  }

  /** Everything is closed. Called once: by the client's socket, or by the tunnel in its place. */
  #finish(): void {
    this.#moveTo("closed");
    this.#settings.lanes.linger.delete(this);
    this.#stopTask();
    this.#authentication.close();
    const { traffic } = this;
    this.#host.ended(this);
    this.#record.closed(traffic);
  }
}

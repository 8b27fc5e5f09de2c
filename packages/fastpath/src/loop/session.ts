import {
  type HandshakeError,
  type HandshakeRequest,
  type ServerEvent,
  ServerHandshake,
  type ServerHandshakeOptions,
} from "@sockskit/handshake";
import { repForError } from "@sockskit/policy";
import { type Address, type IpAddress, REP } from "@sockskit/wire";
import { ERRNO, LINUX, MEMORY, TRANSFER_LENGTH } from "../kernel/layout.ts";
import { errorName } from "../kernel/error-name.ts";
import { takeAddress } from "../kernel/socket-address.ts";
import { Approach, type ApproachOwner } from "./approach.ts";
import { Direction, PUMP } from "./direction.ts";
import type { Door } from "./door.ts";
import type { Endpoint, EndpointOwner } from "./endpoint.ts";
import {
  COUNTER,
  type LoopCloseReason,
  type LoopEnd,
  type LoopSettings,
  type LoopUser,
  type LookupAnswer,
} from "./host.ts";
import { joined } from "./joined.ts";
import { LaneEntry } from "./lane.ts";
import type { Loop } from "./loop.ts";
import { KEEP_ALIVE_DELAY_S, Tunnel } from "./tunnel.ts";

/** What is still read of a client that was refused, so that the refusal is not lost to a reset. */
const MAX_DISCARDED_LENGTH = 0x40000;
const NOTHING = new Uint8Array(0);
/** Idle tunnels are found within an eighth of their time, or a minute. */
const IDLE_LOOKS = 8;

/** @internal Where a session stands. */
export type LoopPhase = "handshake" | "connecting" | "tunnel" | "refused" | "closed";

/** One client's connection, from accepting it until everything that belongs to it is closed. */
export class Session extends LaneEntry implements EndpointOwner, ApproachOwner {
  readonly id: number;
  readonly client: IpAddress;
  readonly openedAtMs: number;
  readonly door: Door;
  phase: LoopPhase = "handshake";
  user: LoopUser | undefined;
  destination: Address | undefined;
  /** The name that a failed log-in tried. */
  tried: Uint8Array | undefined;
  /** What is asked about it: a name of SOCKS 4 when there is one. */
  request: HandshakeRequest | undefined;
  readonly #loop: Loop;
  readonly #down = new Direction(COUNTER.bytesOut);
  #handshake: ServerHandshake | undefined;
  #clientEnd: Endpoint | undefined;
  #tunnel: Tunnel | undefined;
  #approach: Approach | undefined;
  /** The settings at the time of the request. */
  #settings: LoopSettings;
  /** What the client has sent, for an owner who begins anew. */
  #received: Uint8Array = NOTHING;
  #isAsking = false;
  #clientEnded = false;
  #discarded = 0;
  #end: LoopEnd | undefined;

  constructor(loop: Loop, id: number, client: IpAddress, door: Door, handshake: ServerHandshakeOptions) {
    super();
    this.#loop = loop;
    this.#settings = loop.settings;
    this.id = id;
    this.client = client;
    this.door = door;
    this.openedAtMs = loop.nowMs;
    this.#handshake = new ServerHandshake(handshake);
  }

  get bytesIn(): number {
    return this.#tunnel?.up.bytes ?? 0;
  }

  get bytesOut(): number {
    return this.#down.bytes;
  }

  /** Begins with a connection that was accepted. */
  start(client: Endpoint): void {
    const loop = this.#loop;
    this.#clientEnd = client;
    // A new connection has room for what is sent.
    client.writable = true;
    loop.add(COUNTER.sessions, 1);
    loop.add(COUNTER.handshakes, 1);
    loop.handshakeLane.add(this, loop.nowMs);
    loop.host.opened(this);
  }

  /** Ends it at once. */
  stop(reason: "server-closed" | "evicted"): void {
    if (this.#tunnel === undefined) this.#leave(reason);
    else this.#tunnel.abort({ reason });
  }

  /** Its time is up: to send a request, to connect, to carry something, or to leave. */
  override expired(nowMs: number): boolean {
    switch (this.phase) {
      case "connecting":
        this.unreachable("ERR_SOCKS_TIMEOUT", repForError({ code: "ERR_SOCKS_TIMEOUT" }));
        return false;
      case "tunnel": {
        const tunnel = this.#tunnel as Tunnel;
        tunnel.keepAlive();
        if (nowMs - tunnel.activeAtMs < this.#settings.timeouts.idleMs) return true;
        tunnel.abort({ reason: "idle" });
        return false;
      }
      default:
        this.#leave("handshake-timeout");
        return false;
    }
  }

  ready(endpoint: Endpoint): void {
    try {
      this.#readyBefore(endpoint);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** The verdict on a log-in. */
  verdict(user: LoopUser | undefined): void {
    this.#protect(() => this.#verdict(user));
  }

  /** What a look-up found. */
  resolved(answer: LookupAnswer): void {
    this.#protect(() => this.#approach?.resolved(answer));
  }

  #readyBefore(endpoint: Endpoint): void {
    if (this.#down.isHolding) this.#flush();
    // Somebody who waits is read, because that is how one learns that it has left; unless it has sent more already.
    while (endpoint.readable && this.#clientEnd === endpoint && !this.#isHeldBack()) this.#read(endpoint);
    this.#leaveIfNothingMoreComes();
  }

  #isHeldBack(): boolean {
    if (this.#clientEnded || this.phase === "tunnel") return true;
    if (this.phase === "refused") return this.#discarded > MAX_DISCARDED_LENGTH;
    const handshake = this.#handshake as ServerHandshake;
    return (handshake.state === "verifying" || handshake.state === "deciding") && handshake.bufferedLength > 0;
  }

  #read(endpoint: Endpoint): void {
    const { kernel } = this.#loop;
    const length = kernel.read(endpoint.fd, MEMORY.read, TRANSFER_LENGTH);
    if (length <= 0) {
      if (length === 0) {
        this.#clientEnded = true;
        endpoint.readable = false;
      } else if (length === -ERRNO.EAGAIN) endpoint.readable = false;
      else if (length !== -ERRNO.EINTR) this.#leave("client-left", errorName(-length));
      return;
    }
    if (length < TRANSFER_LENGTH && !endpoint.careful) endpoint.readable = false;
    if (this.phase === "refused") {
      this.#discarded += length;
      return;
    }
    const octets = kernel.memory.subarray(MEMORY.read, MEMORY.read + length);
    this.#received = joined(this.#received, octets);
    this.#perform(this.#handshake?.receive(octets));
  }

  #perform(events: readonly ServerEvent[] = []): void {
    const last = events.at(-1);
    // Whoever listens learns of it before the client does.
    if (last?.type === "failed") this.#noteRefusal(last.error);
    for (const event of events) {
      switch (event.type) {
        case "send":
          this.#send(event.data);
          break;
        case "authenticate":
          if (event.evidence.type === "userpass") this.#logIn(event.evidence.username, event.evidence.password);
          else this.#perform(this.#handshake?.authenticated({ accepted: false }));
          break;
        case "authenticated":
          this.#loop.host.authenticated(this, event.methodName);
          break;
        case "request":
          this.#begin(event.request);
          break;
        case "failed":
          this.#refuse();
          break;
        case "secure":
          // No method that is served here protects what follows it.
          break;
      }
      if (this.phase === "closed") return;
    }
  }

  #logIn(username: Uint8Array, password: Uint8Array): void {
    const { host } = this.#loop;
    const known = host.known(this, username, password);
    this.#isAsking = true;
    if (known !== undefined) {
      this.#loop.add(COUNTER.logins, 1);
      return this.#verdict(known);
    }
    this.tried = username;
    host.verify(this, username, password);
  }

  #verdict(user: LoopUser | undefined): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.user = user;
    if (user !== undefined) this.tried = undefined;
    this.#perform(
      this.#handshake?.authenticated(
        user === undefined ? { accepted: false } : { accepted: true, identity: user.name },
      ),
    );
    const client = this.#clientEnd;
    if (client !== undefined && this.phase !== "tunnel") this.#readyBefore(client);
  }

  #begin(request: HandshakeRequest): void {
    const loop = this.#loop;
    this.#settings = loop.settings;
    this.#moveTo("connecting");
    this.destination = request.destination;
    this.request = request;
    loop.schedule(this, loop.settings.timeouts.connectMs);
    this.#approach = new Approach(loop, this, request);
    this.#approach.start();
  }

  denied(reason: string, rule: number | undefined): void {
    const rep = REP.connectionNotAllowedByRuleset;
    const code = "ERR_SOCKS_DENIED";
    this.#loop.add(COUNTER.denied, 1);
    this.#loop.host.denied(this, { stage: "request", code, reason, rep, rule });
    this.#end = { reason: "refused", code, rep };
    this.#perform(this.#handshake?.reply({ rep }));
  }

  unreachable(code: string | undefined, rep: number): void {
    this.#protect(() => {
      this.#loop.add(COUNTER.unreachable, 1);
      this.#end = { reason: "unreachable", code, rep };
      this.#perform(this.#handshake?.reply({ rep }));
    });
  }

  reached(target: Endpoint, address: IpAddress, rule: number): void {
    this.#protect(() => this.#openTunnel(target, address, rule));
  }

  #openTunnel(target: Endpoint, address: IpAddress, rule: number): void {
    const loop = this.#loop;
    const { kernel } = loop;
    const boundAddress = kernel.localAddress(target.fd) < 0 ? undefined : takeAddress(kernel.memory);
    const { destination } = this.request as HandshakeRequest;
    const tunnel = new Tunnel(loop, this.#clientEnd as Endpoint, target, this.#down, (end) => this.#finish(end));
    this.#tunnel = tunnel;
    loop.add(COUNTER.connected, 1);
    loop.add(COUNTER.tunnels, 1);
    this.#moveTo("tunnel");
    loop.host.connected(this, destination, address, rule);
    const early = this.#handshake?.takeTrailingData();
    this.#perform(this.#handshake?.reply({ rep: REP.succeeded, boundAddress }));
    if (this.#tunnel === undefined) return;
    this.#handshake = this.request = this.#approach = undefined;
    this.#received = NOTHING;
    tunnel.up.ended = this.#clientEnded;
    if (early !== undefined) tunnel.up.send(early, target, loop, true);
    loop.schedule(this, Math.min(this.#settings.timeouts.idleMs / IDLE_LOOKS, KEEP_ALIVE_DELAY_S * 1_000));
    tunnel.carry(true);
  }

  #send(octets: Uint8Array): void {
    const client = this.#clientEnd as Endpoint;
    if (this.#down.send(octets, client, this.#loop, false) === PUMP.receiverFailed) {
      if (this.#tunnel === undefined) this.#leave("client-left", errorName(this.#down.errno));
      else this.#tunnel.reset(true, this.#down.errno);
    }
  }

  #flush(): void {
    const client = this.#clientEnd as Endpoint;
    const result = this.#down.flush(client, this.#loop);
    if (result === PUMP.receiverFailed) this.#leave("client-left", errorName(this.#down.errno));
    else if (result === PUMP.finished && this.phase === "refused") this.#loop.kernel.shutdown(client.fd, LINUX.SHUT_WR);
  }

  #noteRefusal({ stage, code, message: reason, rep }: HandshakeError): void {
    if (this.#end !== undefined) return;
    this.#end = { reason: "refused", code, rep };
    this.#loop.host.denied(this, { stage, code, reason, rep, rule: undefined });
  }

  /** What the protocol has as an answer is sent: our side ends at once, the client's may take a little longer. */
  #refuse(): void {
    this.#stopWork();
    this.#moveTo("refused");
    this.#loop.schedule(this, this.#settings.timeouts.lingerMs);
    if (!this.#down.isHolding) this.#loop.kernel.shutdown((this.#clientEnd as Endpoint).fd, LINUX.SHUT_WR);
    this.#readyBefore(this.#clientEnd as Endpoint);
  }

  /** A client that ended its side in the middle of the handshake, or was refused, has nothing more to say. */
  #leaveIfNothingMoreComes(): void {
    if (!this.#clientEnded || this.#clientEnd === undefined) return;
    if (this.phase === "refused" && !this.#down.isHolding) return this.#finish({ reason: "refused" });
    if (this.phase === "handshake" && this.#handshake?.state !== "verifying") this.#leave("client-left");
  }

  /** The client's connection goes to the owner of the loop, with everything that the client has said. */
  handOver(): void {
    const loop = this.#loop;
    const fd = loop.unwatch(this.#clientEnd as Endpoint);
    this.#clientEnd = undefined;
    this.#stopWork();
    this.#moveTo("closed");
    this.lane?.delete(this);
    loop.kernel.release(fd);
    loop.gave(this);
    loop.add(COUNTER.sessions, -1);
    loop.host.handOver({
      id: this.id,
      fd,
      listener: this.door.id,
      client: this.client,
      user: this.user,
      received: this.#received,
      unsent: this.#down.takePending(),
      durationMs: loop.nowMs - this.openedAtMs,
    });
  }

  #moveTo(phase: LoopPhase): void {
    const loop = this.#loop;
    if (this.phase === "handshake" && phase !== "handshake") loop.add(COUNTER.handshakes, -1);
    if (this.phase === "tunnel" && phase !== "tunnel") loop.add(COUNTER.tunnels, -1);
    this.phase = phase;
  }

  #stopWork(): void {
    this.#approach?.stop();
    this.#approach = undefined;
    this.#handshake = undefined;
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#loop.host.cancel(this);
  }

  /** Ends a session that has no tunnel, without a further word. */
  #leave(reason: LoopCloseReason, code?: string): void {
    this.#finish({ reason, code });
  }

  /** Closes everything, once. */
  #finish(end: LoopEnd): void {
    if (this.phase === "closed") return;
    const loop = this.#loop;
    this.#stopWork();
    this.#moveTo("closed");
    this.lane?.delete(this);
    loop.add(COUNTER.sessions, -1);
    loop.ended(this);
    loop.host.closed(this, this.#end ?? end);
    this.#down.stop(loop);
    this.#tunnel?.up.stop(loop);
    if (this.#clientEnd !== undefined) loop.close(this.#clientEnd);
    if (this.#tunnel !== undefined) loop.close(this.#tunnel.target);
    this.#clientEnd = this.#tunnel = undefined;
  }

  /** What fails in a step ends this session and nothing else. */
  #protect(step: () => void): void {
    if (this.phase === "closed") return;
    try {
      step();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #fail(cause: unknown): void {
    this.#loop.host.failed(this, cause);
    this.#leave("failed");
  }
}

import type { Socket } from "node:net";
import { SocksError } from "@sockskit/dial";
import type { AllowDecision } from "@sockskit/policy";
import { formatHost, type IpAddress, parseIpAddress, withPort } from "@sockskit/wire";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { type Denial, FULL, fullDenial, takeShare } from "../session/rule-share.ts";
import { familyOf } from "../session/settings.ts";
import type { Task, TaskContext } from "../session/task.ts";
import { remoteAddressOf } from "../socket-address.ts";
import { resetSocket } from "../transport/reset.ts";
import { UpstreamListener } from "../upstream/bind-through.ts";
import { type ExpectedPeer, expectedPeer, judgePeer, LEFT_AGAIN } from "./expected-peer.ts";
import { facingAddress } from "./facing-address.ts";
import { PeerListener } from "./peer-listener.ts";

/** What is kept of a client that sends before its peer has come; nothing more is read of it then. */
export const MAX_EARLY_LENGTH = 0x10000;

/** BIND: listens for the peer that the client expects, and relays once it has come (RFC 1928 section 6). */
export class BindTask implements Task, LaneEntry {
  readonly #context: TaskContext;
  readonly #lookup = new AbortController();
  readonly #early: Uint8Array[] = [];
  #earlyLength = 0;
  #listener: Pick<PeerListener, "accept" | "close"> | undefined;
  /** The rule that allows it, and the place under its limits. */
  #rule: number | undefined;
  #share: RuleShare | undefined;

  constructor(context: TaskContext) {
    this.#context = context;
  }

  start(): void {
    this.#context.settings.lanes.bind.add(this);
    const early = this.#context.takeEarly();
    if (early !== undefined) this.receive(early);
    void this.#listen().catch((error: unknown) => {
      this.#context.run(() => this.#context.fail(error as Error));
    });
  }

  /** Keeps what is meant for the peer. */
  receive(chunk: Uint8Array): boolean {
    this.#early.push(chunk);
    this.#earlyLength += chunk.length;
    return this.#earlyLength < MAX_EARLY_LENGTH;
  }

  /** Who does not wait does not want the peer. */
  clientEnded(): void {
    this.#context.close("client-left");
  }

  stop(): void {
    this.#context.settings.lanes.bind.delete(this);
    this.#lookup.abort();
    this.#listener?.close();
    this.#giveBack();
  }

  /** The time for all of it is up. */
  expired(): boolean {
    const { bindMs } = this.#context.settings.timeouts;
    const message = `no peer connected within ${bindMs} ms (timeouts.bindMs)`;
    const error = new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage: "request" });
    this.#context.run(() => this.#context.fail(error));
    return false;
  }

  async #listen(): Promise<void> {
    const context = this.#context;
    const { question, policy, settings, request } = context;
    // A reply of SOCKS 4 has room for IPv4 alone.
    const family = request.version === 4 ? 4 : familyOf(settings.outbound);
    const expected = await expectedPeer(question, policy, settings, family, this.#lookup.signal);
    if ("code" in expected) return void context.run(() => context.deny(expected));
    const host = expected.via === undefined ? await this.#hostFor(expected) : undefined;
    // Nothing is opened for a client that has left meanwhile.
    if (this.#lookup.signal.aborted) return;
    const full = expected.allowed && this.#take(expected.allowed);
    if (full !== undefined) return void context.run(() => context.deny(full));
    if (host === undefined) return this.#listenThrough(expected.via as string, expected);
    const listener = await PeerListener.open(hostText(host), settings.bind.ports);
    if (!context.run(() => this.#await(listener, withPort(host, listener.port), expected))) listener.close();
  }

  async #listenThrough(via: string, expected: ExpectedPeer): Promise<void> {
    const context = this.#context;
    const { host, question, settings, request } = context;
    const { bindMs, connectMs } = settings.timeouts;
    const deadlineMs = performance.now() + Math.min(bindMs, connectMs);
    const credentials = context.takeCredentials();
    const { client } = question;
    const use = { host, settings, deadlineMs, signal: this.#lookup.signal, client, credentials };
    const { addresses } = expected;
    const peer = addresses?.find(({ type }) => type === "ipv4") ?? addresses?.[0];
    context.run(() => context.goesVia({ upstream: via }));
    const awaited = peer === undefined ? question.destination : withPort(peer, question.destination.port);
    const listener = await UpstreamListener.open(via, awaited, bindMs, use);
    const { address } = listener;
    const isListening = context.run(() => {
      context.goesVia(listener.via);
      if (request.version === 4 && address.type === "ipv6") throw noRoomFor(address);
      this.#await(listener, address, expected);
    });
    if (!isListening) listener.close();
  }

  /** Takes a place under the limits of the rule that decides, instead of one under another rule's. */
  #take(allowed: AllowDecision): Denial | undefined {
    if (allowed.rule.index === this.#rule) return undefined;
    const { policy, question, settings } = this.#context;
    this.#giveBack();
    this.#rule = allowed.rule.index;
    const share = takeShare(allowed, policy, question, settings.ruleLimits);
    if (share === FULL) return fullDenial(allowed);
    this.#share = share;
    return undefined;
  }

  #giveBack(): void {
    if (this.#share !== undefined) this.#context.settings.ruleLimits.release(this.#share);
    this.#share = undefined;
  }

  /** The address to listen on: the one that the peer reaches this host by. */
  async #hostFor({ addresses }: ExpectedPeer): Promise<IpAddress> {
    const { localAddress, settings, request } = this.#context;
    const peer = addresses?.[0];
    const type = peer?.type ?? (request.version === 4 ? "ipv4" : undefined);
    const outbound = parseIpAddress(settings.outbound.localAddress ?? "");
    if (outbound !== undefined && (type === undefined || outbound.type === type)) return outbound;
    const facing = peer === undefined ? undefined : await facingAddress(peer);
    const host = facing ?? localAddress;
    if (type === undefined || host.type === type) return host;
    const message = `this host has no ${type === "ipv4" ? "IPv4" : "IPv6"} address that the peer could reach`;
    throw new SocksError("ERR_SOCKS_TARGET_UNREACHABLE", message, { side: "local", stage: "request" });
  }

  /** Says where the peer can connect, and waits for it. */
  #await(listener: PeerListener | UpstreamListener, address: IpAddress, expected: ExpectedPeer): void {
    const context = this.#context;
    this.#listener = listener;
    listener.accept(
      (socket, peer) => {
        if (!context.run(() => this.#judge(socket, peer, expected))) socket.destroy();
      },
      (error) => context.run(() => context.fail(error)),
    );
    context.listening(address, "binding", expected.via === undefined);
  }

  #judge(socket: Socket, peer: IpAddress | undefined, expected: ExpectedPeer): void {
    const { question, policy } = this.#context;
    const judged = judgePeer(expected, peer, question, policy);
    const denial = "code" in judged ? judged : this.#take(judged);
    const address = peer ?? remoteAddressOf(socket);
    if ("code" in judged || denial !== undefined || address === undefined) {
      socket.on("error", () => undefined);
      resetSocket(socket);
      return this.#context.deny(denial ?? LEFT_AGAIN);
    }
    const early = this.#earlyLength === 0 ? undefined : Buffer.concat(this.#early, this.#earlyLength);
    const { rule } = judged;
    this.#context.openTunnel({
      target: socket,
      early,
      boundAddress: peer,
      address,
      rule: rule.index,
      bucket: this.#share?.bucket,
    });
  }
}

function noRoomFor(address: IpAddress): SocksError {
  const message = `the upstream listens at ${formatHost(address)}, and SOCKS 4 has room for IPv4 alone`;
  return new SocksError("ERR_SOCKS_NOT_REPRESENTABLE", message, { side: "remote", stage: "request" });
}

function hostText(address: IpAddress): string {
  return address.type === "ipv6" && address.zone !== undefined ? `${address.host}%${address.zone}` : address.host;
}

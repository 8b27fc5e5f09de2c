import type { Socket } from "node:net";
import { SocksError } from "@sockskit/dial";
import type { AllowDecision } from "@sockskit/policy";
import { type IpAddress, parseIpAddress, withPort } from "@sockskit/wire";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { type Denial, FULL, fullDenial, takeShare } from "../session/rule-share.ts";
import { familyOf } from "../session/settings.ts";
import type { Task, TaskContext } from "../session/task.ts";
import { remoteAddressOf } from "../socket-address.ts";
import { type ExpectedPeer, expectedPeer, judgePeer } from "./expected-peer.ts";
import { facingAddress } from "./facing-address.ts";
import { PeerListener } from "./peer-listener.ts";

/** What is kept of a client that sends before its peer has come; nothing more is read of it then. */
export const MAX_EARLY_LENGTH = 0x10000;

const LEFT_AGAIN: Denial = { code: "ERR_SOCKS_WRONG_PEER", reason: "somebody connected and left", rule: undefined };

/** BIND: listens for the peer that the client expects, and relays once it has come (RFC 1928 section 6). */
export class BindTask implements Task, LaneEntry {
  readonly #context: TaskContext;
  readonly #lookup = new AbortController();
  readonly #early: Uint8Array[] = [];
  #earlyLength = 0;
  #listener: PeerListener | undefined;
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
    if (expected.allowed?.via !== undefined) throw notThroughUpstreams();
    const host = await this.#hostFor(expected);
    // Nothing is opened for a client that has left meanwhile.
    if (this.#lookup.signal.aborted) return;
    const full = expected.allowed && this.#take(expected.allowed);
    if (full !== undefined) return void context.run(() => context.deny(full));
    const listener = await PeerListener.open(hostText(host), settings.bind.ports);
    if (!context.run(() => this.#await(listener, withPort(host, listener.port), expected))) listener.close();
  }

  /** Takes a place under the limits of the rule that decides, instead of one under another rule's. */
  #take(allowed: AllowDecision): Denial | undefined {
    if (allowed.via !== undefined) throw notThroughUpstreams();
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
  #await(listener: PeerListener, address: IpAddress, expected: ExpectedPeer): void {
    const context = this.#context;
    this.#listener = listener;
    listener.accept(
      (socket) => {
        if (!context.run(() => this.#judge(socket, expected))) socket.destroy();
      },
      (error) => context.run(() => context.fail(error)),
    );
    context.listening(address, "binding");
  }

  #judge(socket: Socket, expected: ExpectedPeer): void {
    const { question, policy } = this.#context;
    const peer = remoteAddressOf(socket);
    const judged = peer === undefined ? LEFT_AGAIN : judgePeer(expected, peer, question, policy);
    const denial = "code" in judged ? judged : this.#take(judged);
    if (peer === undefined || "code" in judged || denial !== undefined) {
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      return this.#context.deny(denial ?? LEFT_AGAIN);
    }
    const early = this.#earlyLength === 0 ? undefined : Buffer.concat(this.#early, this.#earlyLength);
    const { rule } = judged;
    this.#context.openTunnel({
      target: socket,
      early,
      boundAddress: peer,
      address: peer,
      rule: rule.index,
      bucket: this.#share?.bucket,
    });
  }
}

function notThroughUpstreams(): SocksError {
  const message = "BIND does not go through an upstream";
  return new SocksError("ERR_SOCKS_COMMAND_NOT_SUPPORTED", message, { side: "local", stage: "request" });
}

function hostText(address: IpAddress): string {
  return address.type === "ipv6" && address.zone !== undefined ? `${address.host}%${address.zone}` : address.host;
}

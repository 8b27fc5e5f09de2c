/**
 * Entry point of a thread: a loop that waits in the kernel, not in Node. While it waits nothing of Node's own runs here;
 * orders come by a port that is looked at when the eventfd says so.
 */
import { randomBytes } from "node:crypto";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { noneServer, type ServerAuthMethod, userPassServer } from "@sockskit/auth";
import type { Address, IpAddress } from "@sockskit/wire";
import { RelayTable } from "../datagrams/relay-table.ts";
import type { RelayReport } from "../datagrams/orders.ts";
import { EPOLL, MEMORY } from "../kernel/layout.ts";
import { NativeKernel } from "../kernel/native-kernel.ts";
import { clientKey } from "../loop/client-key.ts";
import type { EndpointOwner } from "../loop/endpoint.ts";
import type { HandedOver, LoopEnd, LoopHost, LoopRefusal, LoopUser } from "../loop/host.ts";
import { Loop } from "../loop/loop.ts";
import type { Session } from "../loop/session.ts";
import { KnownLogins } from "./known-logins.ts";
import {
  CONTROL,
  type ListedSession,
  type Order,
  type ReportedSession,
  type ThreadData,
  type ThreadMethod,
} from "./protocol.ts";
import { Reporter } from "./reporter.ts";

const METHODS: Readonly<Record<ThreadMethod, ServerAuthMethod>> = { none: noneServer(), userpass: userPassServer() };

class Thread implements LoopHost, EndpointOwner {
  readonly #data: ThreadData;
  readonly #port: MessagePort;
  readonly #kernel: NativeKernel;
  readonly #reporter: Reporter;
  readonly #loop: Loop;
  readonly #relays: RelayTable;
  readonly #known = new KnownLogins();
  /** What stands for the log-ins that were asked about. */
  readonly #asked = new Map<number, string>();

  constructor(data: ThreadData, port: MessagePort) {
    this.#data = data;
    this.#port = port;
    this.#kernel = new NativeKernel(data.ledger);
    this.#loop = new Loop(this.#kernel, this, data.counters, data.settings);
    this.#reporter = new Reporter((reports) => port.postMessage(reports), this.#loop);
    const report = (id: number, said: RelayReport): void => this.#reporter.report({ type: "relay", id, said });
    this.#relays = new RelayTable(this.#loop, report, randomBytes(4).readInt32LE());
    this.#loop.watch(data.eventfd, this, EPOLL.in);
    this.#receive();
  }

  /** Until it is told to end. */
  run(): void {
    const { control } = this.#data;
    while (Atomics.load(control, CONTROL.stop) === 0) {
      this.#loop.turn(this.#reporter.dueInMs);
      this.#reporter.turned();
    }
    this.#loop.shut();
    this.#loop.end(true);
    this.#relays.close();
    this.#reporter.flush();
  }

  /** The eventfd: there are orders. */
  ready(): void {
    this.#kernel.read(this.#data.eventfd, MEMORY.read, 8);
    this.#receive();
  }

  #receive(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      this.#obey(next.message as Order);
    }
  }

  #obey(order: Order): void {
    const loop = this.#loop;
    switch (order.type) {
      case "listen": {
        const { address, versions, commands, handsOver } = order.entrance;
        const authMethods = order.entrance.authMethods.map((name) => METHODS[name]);
        const handshake = handsOver ? undefined : { authMethods, versions, commands };
        return loop.open(order.id, order.fd, { address, handshake });
      }
      case "shut":
        return loop.shut(order.id);
      case "configure":
        this.#known.clear();
        this.#asked.clear();
        loop.settings = order.settings;
        this.#relays.forgetFlows();
        return;
      case "resolved":
        return loop.sessions.get(order.id)?.resolved(order.answer);
      case "verdict":
        return this.#conclude(order.id, order.user, order.knownMs);
      case "doubt":
        return this.#known.doubt(order.client, loop.nowMs);
      case "forget":
        return loop.forget(order.id);
      case "end":
        return loop.end(order.tunnels);
      case "kill":
        return loop.sessions.get(order.id)?.stop("server-closed");
      case "list":
        this.#data.lists.postMessage(this.#list());
        Atomics.add(this.#data.control, CONTROL.lists, 1);
        Atomics.notify(this.#data.control, CONTROL.lists);
        return;
      case "relay":
        return this.#relays.obey(order.id, order.order);
      case "acknowledge":
        return this.#reporter.urgent({ type: "acknowledged", token: order.token });
    }
  }

  #conclude(id: number, user: LoopUser | undefined, knownMs: number): void {
    const digest = this.#asked.get(id);
    this.#asked.delete(id);
    if (digest !== undefined && user !== undefined && knownMs > 0) {
      this.#known.add(digest, user, this.#loop.nowMs + knownMs);
    }
    this.#loop.sessions.get(id)?.verdict(user);
  }

  #list(): readonly ListedSession[] {
    const { nowMs, sessions } = this.#loop;
    return Array.from(sessions.values(), (session) => ({
      ...who(session),
      destination: session.destination,
      phase: session.phase,
      bytesIn: session.bytesIn,
      bytesOut: session.bytesOut,
      durationMs: nowMs - session.openedAtMs,
    }));
  }

  nextId(): number {
    return Number(Atomics.add(this.#data.lastId, 0, 1n) + 1n);
  }

  known(session: Session, username: Uint8Array, password: Uint8Array): LoopUser | undefined {
    const digest = this.#known.digest(username, password);
    const user = this.#known.get(digest, clientKey(session.client), this.#loop.nowMs);
    if (user === undefined) this.#asked.set(session.id, digest);
    return user;
  }

  verify({ id, client }: Session, username: Uint8Array, password: Uint8Array): void {
    this.#reporter.urgent({ type: "verify", id, client, username, password });
  }

  resolve({ id }: Session, name: string): void {
    this.#reporter.urgent({ type: "resolve", id, name });
  }

  cancel({ id }: Session): void {
    this.#asked.delete(id);
    this.#reporter.report({ type: "cancel", id });
  }

  handOver(handed: HandedOver): void {
    this.#reporter.urgent({ type: "handOver", handed });
  }

  opened(session: Session): void {
    this.#reporter.report({ type: "opened", who: who(session), listener: session.door.id });
  }

  authenticated(session: Session, method: string): void {
    this.#reporter.report({ type: "authenticated", who: who(session), method });
  }

  denied(session: Session, refusal: LoopRefusal): void {
    const destination = session.destination;
    this.#reporter.report({ type: "denied", who: who(session), tried: session.tried, refusal, destination });
  }

  turnedAway(id: number, client: IpAddress, reason: string): void {
    const refusal = { stage: "accept", code: "ERR_SOCKS_LIMIT", reason, rep: undefined, rule: undefined } as const;
    const whom = { id, client, user: undefined };
    this.#reporter.report({ type: "denied", who: whom, tried: undefined, refusal, destination: undefined });
  }

  connected(session: Session, destination: Address, address: IpAddress, rule: number): void {
    const { version = 5, userId } = session.request ?? {};
    this.#reporter.report({
      type: "connected",
      who: who(session),
      version,
      userId,
      destination,
      address,
      rule,
      durationMs: this.#loop.nowMs - session.openedAtMs,
    });
  }

  closed(session: Session, { reason, code, rep }: LoopEnd): void {
    this.#reporter.report({
      type: "closed",
      who: who(session),
      destination: session.destination,
      bytesIn: session.bytesIn,
      bytesOut: session.bytesOut,
      durationMs: this.#loop.nowMs - session.openedAtMs,
      reason,
      code,
      rep,
    });
  }

  failed({ id }: Session, cause: unknown): void {
    // What cannot be copied to another thread must not bring this one down.
    const copied = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.#reporter.report({ type: "failed", id, cause: copied });
  }

  acceptFailed(errno: number): void {
    this.#reporter.report({ type: "acceptFailed", errno });
  }
}

function who({ id, client, user }: Session): ReportedSession {
  return { id, client, user: user?.name };
}

new Thread(workerData as ThreadData, parentPort as MessagePort).run();

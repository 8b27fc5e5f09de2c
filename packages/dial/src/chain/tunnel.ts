import type { Socket } from "node:net";

import type { AuthQuestion, SecureLayer } from "@sockskit/auth";
import type { ClientEvent, ClientHandshake, HandshakeCommand, HttpConnectEvent } from "@sockskit/handshake";
import { isReachedDirectly } from "@sockskit/url";
import { type Address, type IpAddress, withPort } from "@sockskit/wire";

import { connectAddress } from "../address/connect-address.ts";
import { type AttemptObserver, Target } from "../address/peer.ts";
import { resolveHost } from "../address/resolve-host.ts";
import type { AuthPlan } from "../auth/auth-plan.ts";
import type { OutgoingSettings } from "../address/socket-options.ts";
import type { ActiveStage, Operation } from "../internal/operation.ts";
import type { DialledTunnel } from "./dial-through.ts";
import type { LayeredConnection } from "../layer/layered-connection.ts";
import { AwaitedAnswer } from "./awaited-answer.ts";
import { type Asked, closedError, handshakeError, layerError } from "./hop-errors.ts";
import { type Hop, type HopHandshake, hopsOf, type ProxyHop, ResolvedHere } from "./hop.ts";
import type { Observer } from "./observer.ts";
import { sendProxyHeader } from "./proxy-header.ts";
import type { HopSettings } from "./route.ts";
import { secureHop } from "./secure-hop.ts";
import { isTlsError, tlsError } from "./tls-errors.ts";

/** One handshake of the way. */
interface Step {
  readonly hop: Hop;
  /** What the hop is asked to do: `connect`, but for the last hop. */
  readonly command: HandshakeCommand;
  /** What the hop is asked for: the next proxy, or the destination. */
  readonly destination: Address;
  readonly machine: HopHandshake;
}

/** What a tunnel is for. */
export interface TunnelTask {
  /** What the last hop is asked to do. */
  readonly command: HandshakeCommand;
  /** What it is asked for. */
  readonly destination: Address;
  /** Whether harmless deviations are errors. */
  readonly strict: boolean;
  /** What is known of each hop besides its URL. */
  readonly hopSettings: readonly HopSettings[];
  /** How proxies are shown who this is. */
  readonly auth: AuthPlan;
  /** How long a hop, by its index, may take to choose a method where something else is tried after that. */
  readonly answerLimitMs?: (index: number) => number | undefined;
  /** What goes out behind the last request. */
  readonly earlyData?: Uint8Array | undefined;
  /** So many octets of it were sent. */
  readonly onEarlySent?: (octetCount: number) => void;
  /** BIND: the last hop listens, and its second reply is awaited. */
  readonly onListening?: (hop: Hop, socket: Socket, boundAddress: Address | undefined) => void;
  /** Everything is granted. The operation holds the socket until it succeeds. */
  readonly onOpen: (tunnel: DialledTunnel, hop: Hop | undefined) => void;
}

/**
 * The making of one tunnel: plan the way, dial the first proxy, run the handshakes one after the other on the same
 * socket. Every failure goes to the operation, which frees the socket.
 */
export class Tunnel<T> {
  readonly #operation: Operation<T>;
  readonly #chain: readonly ProxyHop[];
  readonly #hops: readonly Hop[];
  readonly #task: TunnelTask;
  readonly #settings: OutgoingSettings;
  readonly #observer: Observer;
  readonly #steps: Step[] = [];
  #current = 0;
  #stage: ActiveStage = "dial-proxy";
  #listening = false;
  #socket: Socket | undefined;
  /** A layer that waits to be told that authentication is over. */
  #layered: LayeredConnection | undefined;
  /** The last hop that TLS was made with. */
  #secured: Hop | undefined;

  /** @throws SocksError when the chain cannot be used, see {@link hopsOf}. */
  constructor(
    operation: Operation<T>,
    chain: readonly ProxyHop[],
    task: TunnelTask,
    settings: OutgoingSettings,
    observer: Observer,
  ) {
    this.#operation = operation;
    this.#chain = chain;
    this.#hops = hopsOf(chain, task.hopSettings);
    this.#task = task;
    this.#settings = settings;
    this.#observer = observer;
  }

  /**
   * Plans who is asked for what and who resolves names, then dials. Whatever a hop cannot carry fails in the plan, before
   * a connection is opened.
   */
  open(): void {
    const index = this.#steps.length;
    const hop = this.#hops[index];
    if (hop === undefined) return this.#dialProxy();
    const next = this.#hops[index + 1]?.proxy.address ?? this.#task.destination;
    // Who asks a proxy for a look-up does not want it done here.
    const isAsked = index + 1 === this.#hops.length && isLookUp(this.#task.command);
    if (next.type === "domain" && hop.proxy.resolve === "local" && !isAsked) this.#resolveFor(hop, next);
    else this.#plan(hop, next);
  }

  #plan(hop: Hop, destination: Address): void {
    const isLast = this.#steps.length + 1 === this.#hops.length;
    const command = isLast ? this.#task.command : "connect";
    if (!isLookUp(command) && destination.type !== "domain" && isReachedDirectly(hop.proxy, destination)) {
      return this.#dialDirectly(hop, destination);
    }
    const machine = hop.handshake(command, destination, this.#task, isLast ? this.#task.earlyData : undefined);
    this.#steps.push({ hop, command, destination, machine });
    this.open();
  }

  /** IPv4 is preferred: nothing says whether the proxy has IPv6, and it is asked for one address only. */
  #resolveFor(hop: Hop, next: Address): void {
    const { family, resolver } = this.#settings;
    const name = next.host;
    const wanted = hop.proxy.version === 4 ? 4 : family;
    resolveHost(this.#operation, name, wanted, resolver, new ResolvedHere(hop, next), (addresses) => {
      this.#observer.progress?.(hop, { step: "resolved", name, addresses });
      const chosen = addresses.find((address) => address.type === "ipv4") ?? addresses[0];
      if (!this.#operation.over) this.#plan(hop, withPort(chosen as IpAddress, next.port));
    });
  }

  #dialDirectly(hop: Hop, address: IpAddress): void {
    this.#observer.progress?.(hop, { step: "direct", address, networks: hop.proxy.direct ?? [] });
    if (this.#operation.over) return;
    const onAttempt = attemptObserver(undefined, this.#observer);
    connectAddress(this.#operation, address, this.#settingsFor(address), new Target(address), onAttempt, (socket) => {
      const { earlyData } = this.#task;
      if (earlyData !== undefined && earlyData.length > 0) socket.write(Buffer.from(earlyData));
      this.#task.onOpen({ socket, boundAddress: undefined, hops: [] }, undefined);
    });
  }

  #dialProxy(): void {
    const hop = this.#hops[0] as Hop;
    const { address } = hop.proxy;
    const onAttempt = attemptObserver(hop, this.#observer);
    connectAddress(this.#operation, address, this.#settingsFor(address), hop, onAttempt, (socket) => {
      this.#listen(socket);
      this.#beginHop(socket, undefined);
    });
  }

  /**
   * What comes before the handshake: a PROXY header, TLS.
   *
   * @param earlier - What came behind the previous hop's last reply.
   */
  #beginHop(socket: Socket, earlier: Uint8Array | undefined): void {
    const { hop } = this.#step();
    const { proxyProtocol, tls } = hop.settings;
    if (proxyProtocol !== undefined) sendProxyHeader(socket, hop, proxyProtocol, this.#observer);
    if (this.#operation.over) return;
    if (tls === undefined) return this.#beginHandshake(earlier);
    this.#unlisten(socket);
    if (earlier !== undefined) socket.unshift(earlier);
    secureHop(this.#operation, socket, hop, tls, this.#observer, (secured) => {
      this.#secured = hop;
      this.#listen(secured);
      this.#beginHandshake(undefined);
    });
  }

  /** Who wants IPv6 for names may still have a proxy whose address is an IPv4 literal. */
  #settingsFor({ type }: Address): OutgoingSettings {
    const { family, bind } = this.#settings;
    const asIs = family === "auto" || type === "domain" || bind !== undefined;
    return asIs ? this.#settings : { ...this.#settings, family: "auto" };
  }

  #beginHandshake(earlier: Uint8Array | undefined): void {
    const { hop, machine } = this.#step();
    this.#enter(hop.proxy.version === 5 ? "negotiate" : "request");
    this.#perform(machine.start());
    if (earlier !== undefined) this.#receive(earlier);
  }

  #receive(octets: Uint8Array): void {
    const { hop, machine } = this.#step();
    this.#observer.octets?.(hop, "received", this.#stage, octets, false);
    if (!this.#operation.over) this.#perform(machine.receive(octets));
  }

  #perform(events: readonly (ClientEvent | HttpConnectEvent)[]): void {
    const { hop, command, destination, machine } = this.#step();
    for (const event of events) {
      switch (event.type) {
        case "send":
          this.#observer.octets?.(hop, "sent", this.#stage, event.data, event.early === true ? "whole" : event.secret);
          this.#socket?.write(event.secret ? event.data : pooled(event.data));
          if (event.early === true) this.#task.onEarlySent?.(event.data.length);
          break;
        case "progress":
          this.#enter(event.step === "authenticated" ? "request" : "authenticate");
          if (event.step === "authenticated") this.#takeAuthenticated();
          this.#observer.progress?.(hop, event);
          break;
        case "http-answer":
          this.#observer.progress?.(hop, { step: "http-answer", status: event.status, reason: event.reason });
          break;
        case "listening": {
          const { reply, boundAddress } = event;
          this.#listening = true;
          this.#observer.progress?.(hop, { step: "listening", command, destination, reply, boundAddress });
          if (!this.#operation.over) this.#task.onListening?.(hop, this.#socket as Socket, boundAddress);
          break;
        }
        case "established": {
          const { reply, boundAddress } = event;
          this.#observer.progress?.(hop, { step: "established", command, destination, reply, boundAddress });
          return this.#finishHandshake(boundAddress, machine.takeTrailingData());
        }
        case "failed":
          return this.#operation.fail(handshakeError(this.#asked(), event.error));
        case "question":
          this.#ask(event.question);
          break;
        case "secure":
          return this.#secure(event.layer);
      }
      if (this.#operation.over) return;
    }
  }

  #finishHandshake(boundAddress: Address | undefined, trailing: Uint8Array | undefined): void {
    const socket = this.#socket as Socket;
    if (this.#operation.over) return;
    this.#current += 1;
    if (this.#current < this.#steps.length) return this.#beginHop(socket, trailing);
    this.#unlisten(socket);
    // Before anybody can listen: what the destination said first must be read first.
    if (trailing !== undefined) socket.unshift(trailing);
    this.#operation.run(() => this.#task.onOpen({ socket, boundAddress, hops: this.#chain }, this.#hops.at(-1)));
  }

  /** Nothing else counts while a person thinks; a proxy that leaves meanwhile ends it. */
  #ask(question: AuthQuestion): void {
    const { hop, machine } = this.#step();
    const { auth } = this.#task;
    const left = new AbortController();
    const { signal } = left;
    const isPersonal = question.type === "cram";
    const resume = isPersonal
      ? this.#operation.suspend(auth.answerTimeoutMs, "answerTimeoutMs", new AwaitedAnswer(hop))
      : () => undefined;
    this.#operation.alsoFree(() => left.abort());
    auth.answer(question, hop, signal).then(
      (answer) =>
        this.#operation.run(() => {
          resume();
          this.#perform((machine as ClientHandshake).answer(answer));
        }),
      (error: unknown) => this.#operation.fail(error),
    );
  }

  /** Everything from here on goes through what protects it. Nobody else may touch the connection meanwhile. */
  #secure(layer: SecureLayer): void {
    const bare = this.#socket as Socket;
    const { hop, machine } = this.#step();
    this.#unlisten(bare);
    const early = machine.takeTrailingData();
    if (early !== undefined) bare.unshift(early);
    this.#task.auth.openLayer(layer, bare, hop.proxy).then(
      (layered) =>
        this.#operation.run(() => {
          this.#layered = layered;
          this.#listen(layered.socket);
          this.#perform((machine as ClientHandshake).secured());
        }),
      (error: unknown) => this.#operation.fail(layerError(hop, error)),
    );
  }

  #takeAuthenticated(): void {
    this.#layered?.authenticated?.();
    this.#layered = undefined;
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    // Not `data`: when a `readable` listener is gone, the socket is neither flowing nor paused, like one that was
    // never read from, and the caller's own `data` listener starts it as usual.
    socket.on("readable", this.#onReadable);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
  }

  #unlisten(socket: Socket): void {
    socket.removeListener("readable", this.#onReadable);
    socket.removeListener("end", this.#onEnd);
    socket.removeListener("error", this.#onError);
  }

  #enter(stage: ActiveStage): void {
    this.#stage = stage;
    const limitMs = stage === "negotiate" ? this.#task.answerLimitMs?.(this.#current) : undefined;
    this.#operation.enter(stage, this.#step().hop, limitMs);
  }

  #step(): Step {
    return this.#steps[this.#current] as Step;
  }

  #asked(): Asked {
    const { hop, command, destination } = this.#step();
    return { hop, command, destination, listening: this.#listening };
  }

  readonly #onReadable = (): void => {
    const octets = this.#socket?.read() as Uint8Array | null;
    if (octets === null) return;
    try {
      this.#receive(octets);
    } catch (error) {
      this.#operation.fail(error);
    }
  };

  readonly #onEnd = (): void => this.#onClosed(undefined);
  readonly #onError = (error: Error): void => this.#onClosed(error);

  #onClosed(error: Error | undefined): void {
    // A proxy that refuses the certificate of this side says so after the handshake.
    if (this.#secured !== undefined && isTlsError(error)) {
      return this.#operation.fail(tlsError(this.#secured, error, undefined));
    }
    this.#operation.fail(closedError(this.#asked(), this.#stage, error));
  }
}

/** Tor's look-ups: what is asked for is not gone to. */
function isLookUp(command: HandshakeCommand): boolean {
  return command === "resolve" || command === "resolve-ptr";
}

/**
 * The octets in Node's buffer pool. Node gives a plain `Uint8Array` that is written a buffer of its own, which costs
 * more than writing it. Secrets stay out of the pool: what others allocate there shows what was in it.
 */
function pooled(octets: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafe(octets.length);
  buffer.set(octets);
  return buffer;
}

/** Tells the observer of each address that is tried. */
export function attemptObserver(hop: Hop | undefined, { progress }: Observer): AttemptObserver | undefined {
  if (progress === undefined) return undefined;
  return (address, outcome) => {
    if (outcome instanceof Error) progress(hop, { step: "attempt-failed", address, error: outcome });
    else progress(hop, { step: outcome, address });
  };
}

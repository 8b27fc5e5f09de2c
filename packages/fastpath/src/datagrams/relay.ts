import type { IpAddress } from "@sockskit/wire";
import type { DatagramCalls } from "../kernel/datagram-calls.ts";
import { ADDRESS_WORDS, DATAGRAMS, EPOLL, ERRNO } from "../kernel/layout.ts";
import type { Endpoint, EndpointOwner } from "../loop/endpoint.ts";
import type { Loop } from "../loop/loop.ts";
import { FlowTable } from "./flow-table.ts";
import { FIGURE, type FlowPlan, MAX_UNDER_WAY, type RelayOrder, type RelayReport, type RelaySide } from "./orders.ts";
import type { Outbox } from "./outbox.ts";
import { addressAt, isAddressAt, type SocketWords, socketWords } from "./socket-words.ts";

/** What a relay has of its thread. */
export interface RelayHost {
  readonly loop: Pick<Loop, "kernel" | "watch" | "close">;
  readonly calls: DatagramCalls;
  readonly outbox: Outbox;
  /** Chosen by nobody outside. */
  readonly seed: number;
  readonly report: (report: RelayReport) => void;
}

/** Where FRAG is in a header. */
const FRAG = 2;
/** What UDP carries at most, header of SOCKS included: 65535 without the headers of IPv4 and UDP; IPv6 does not count its own. */
const MAX_LENGTH = { ipv4: 0xffff - 20 - 8, ipv6: 0xffff - 8 } as const;

/**
 * Relays the datagrams of one association between sockets. What the owner has decided on goes at once, in both directions;
 * everything else goes to the owner, which says what becomes of it.
 */
export class DatagramRelay implements EndpointOwner {
  readonly #host: RelayHost;
  readonly #figures: Float64Array;
  readonly #used: Uint8Array;
  readonly #flows: FlowTable;
  readonly #sides: Record<RelaySide, Endpoint | undefined> = { client: undefined, ipv4: undefined, ipv6: undefined };
  /** Where the client sends from, once the owner knows. */
  #client: SocketWords | undefined;
  /** Whether the owner may be waiting for fragments, which the next whole datagram ends. */
  #hasFragments = false;

  constructor(host: RelayHost, { fd, figures, used }: Extract<RelayOrder, { readonly type: "open" }>) {
    this.#host = host;
    this.#figures = figures;
    this.#used = used;
    this.#flows = new FlowTable(host.seed);
    this.open("client", fd);
  }

  /** Has a socket watched, which belongs to the relay from then on. */
  open(side: RelaySide, fd: number): void {
    const { loop, report } = this.#host;
    const endpoint = loop.watch(fd, this, EPOLL.in);
    if (typeof endpoint !== "number") {
      this.#sides[side] = endpoint;
      return;
    }
    loop.kernel.close(fd);
    report({ type: "unwatched", errno: endpoint });
  }

  /** Relays from now on what the owner has decided on. */
  add(flow: FlowPlan): void {
    this.#client ??= socketWords(flow.client);
    this.#flows.add(flow);
  }

  /** Asks the owner again about a flow. */
  forget(slot: number): void {
    this.#flows.forget(slot);
  }

  /** Asks the owner again about everything: the rules have changed. */
  forgetAll(): void {
    this.#flows.clear();
  }

  /** Sends one datagram as the owner wants it. */
  send(side: RelaySide, data: Uint8Array, to: IpAddress): void {
    const { calls, outbox } = this.#host;
    this.#add(FIGURE.done, 1);
    const endpoint = this.#sides[side];
    if (endpoint === undefined) return this.#add(FIGURE.unsent, 1);
    calls.memory.set(data, DATAGRAMS.room);
    outbox.add(socketWords(to), DATAGRAMS.room, data.length, 0);
    outbox.flush(endpoint.fd);
    // That it was relayed the owner has counted already.
    this.#add(FIGURE.unsent, outbox.refused);
    this.#add(FIGURE.limit, outbox.full);
  }

  /** Some socket has something to read. It is level-triggered: what is left comes with the next turn. */
  ready(endpoint: Endpoint): void {
    const count = this.#host.calls.receive(endpoint.fd);
    if (count < 0) return this.#failed(-count);
    if (endpoint === this.#sides.client) return this.#fromClient(count);
    return this.#fromOutside(endpoint === this.#sides.ipv4 ? "ipv4" : "ipv6", count);
  }

  /** Closes its sockets. */
  close(): void {
    for (const endpoint of Object.values(this.#sides)) if (endpoint !== undefined) this.#host.loop.close(endpoint);
    this.#sides.client = this.#sides.ipv4 = this.#sides.ipv6 = undefined;
  }

  #fromClient(count: number): void {
    const { calls, outbox } = this.#host;
    const { memory, sources } = calls;
    const client = this.#client;
    let side: "ipv4" | "ipv6" = "ipv4";
    for (let position = 0; position < count; position++) {
      if (client !== undefined && !isAddressAt(sources, position * ADDRESS_WORDS, client.words)) {
        this.#add(FIGURE.stranger, 1);
        continue;
      }
      const at = position * DATAGRAMS.stride + DATAGRAMS.room;
      const length = calls.receivedLength(position);
      const flow = client === undefined ? undefined : this.#flows.find(memory, at, length);
      if (flow === undefined || this.#hasFragments || this.#sides[flow.side] === undefined) {
        if (!this.#give("client", position, at, length)) continue;
        // A whole one that the owner sees ends what was begun before it.
        if (flow !== undefined) this.#hasFragments = false;
        else if (length > FRAG && memory[at + FRAG] !== 0x00) this.#hasFragments = true;
        continue;
      }
      if (flow.side !== side) {
        this.#flushOut(side);
        ({ side } = flow);
      }
      const { length: headerLength } = flow.header;
      this.#used[flow.slot] = 1;
      outbox.add(flow.source.address, at + headerLength, length - headerLength, length - headerLength);
    }
    this.#flushOut(side);
  }

  #fromOutside(side: "ipv4" | "ipv6", count: number): void {
    const { calls, outbox } = this.#host;
    const { memory, sources } = calls;
    const client = this.#client;
    const maxLength = client === undefined ? 0 : MAX_LENGTH[client.type];
    for (let position = 0; position < count; position++) {
      const at = position * DATAGRAMS.stride + DATAGRAMS.room;
      const length = calls.receivedLength(position);
      const source = this.#flows.findSource(sources, position * ADDRESS_WORDS);
      if (source === undefined || client === undefined) {
        this.#give(side, position, at, length);
        continue;
      }
      const { header } = source;
      if (header.length + length > maxLength) {
        this.#add(FIGURE.tooLong, 1);
        continue;
      }
      this.#used[source.slot] = 1;
      const begin = at - header.length;
      for (let index = 0; index < header.length; index++) memory[begin + index] = header[index] as number;
      outbox.add(client, begin, header.length + length, length);
    }
    const endpoint = this.#sides.client;
    if (outbox.isEmpty || endpoint === undefined) return;
    outbox.flush(endpoint.fd);
    this.#add(FIGURE.out, outbox.sent);
    this.#add(FIGURE.bytesOut, outbox.sentLength);
    this.#add(FIGURE.unsent, outbox.refused);
    this.#add(FIGURE.limit, outbox.full);
  }

  #flushOut(side: "ipv4" | "ipv6"): void {
    const { outbox } = this.#host;
    const endpoint = this.#sides[side];
    if (outbox.isEmpty || endpoint === undefined) return;
    outbox.flush(endpoint.fd);
    this.#add(FIGURE.in, outbox.sent);
    this.#add(FIGURE.bytesIn, outbox.sentLength);
    this.#add(FIGURE.unsent, outbox.refused);
    this.#add(FIGURE.limit, outbox.full);
  }

  /** Gives one to the owner, unless too many are on their way already. */
  #give(side: RelaySide, position: number, at: number, length: number): boolean {
    if (!this.#mayTell()) {
      this.#add(FIGURE.limit, 1);
      return false;
    }
    const { calls, report } = this.#host;
    const from = addressAt(calls.sources, position * ADDRESS_WORDS);
    report({ type: "datagram", side, data: calls.memory.slice(at, at + length), from });
    return true;
  }

  #failed(errno: number): void {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return;
    // The owner knows which errors are about a datagram that was sent before, and which ones end the association.
    if (this.#mayTell()) this.#host.report({ type: "error", errno });
    else this.#add(FIGURE.errors, 1);
  }

  #mayTell(): boolean {
    const figures = this.#figures;
    const underWay = (figures[FIGURE.given] as number) - (figures[FIGURE.taken] as number);
    if (underWay >= MAX_UNDER_WAY) return false;
    this.#add(FIGURE.given, 1);
    return true;
  }

  #add(figure: number, amount: number): void {
    (this.#figures[figure] as number) += amount;
  }
}

import type { IpAddress } from "@sockskit/wire";
import { LINUX } from "../kernel/layout.ts";
import type { NativeKernel } from "../kernel/native-kernel.ts";
import { putAddress, takeAddress } from "../kernel/socket-address.ts";
import {
  FIGURE,
  FIGURE_COUNT,
  type FlowPlan,
  MAX_FLOWS,
  MAX_UNDER_WAY,
  type RelayOrder,
  type RelayReport,
  type RelaySide,
} from "./orders.ts";

/** @internal What the owner of a {@link DatagramRelayHandle} is told. */
export interface RelayEvents {
  /** A datagram came that no flow is for. */
  readonly onDatagram: (side: RelaySide, data: Uint8Array, from: IpAddress) => void;
  /** The system reported this error number about a socket, or about a datagram that was sent before. */
  readonly onError: (errno: number) => void;
  /** Nothing is relayed any more: a socket cannot be watched (an error number), or the thread has died. */
  readonly onLost: (errno: number | undefined) => void;
}

/** @internal What a relay has counted by itself. Datagrams that were sent for its owner are not in `in` and `out`. */
export interface RelayFigures {
  readonly in: number;
  readonly out: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly errors: number;
  readonly dropped: { readonly [reason in "stranger" | "limit" | "tooLong" | "unsent"]: number };
}

/** What a handle has of its thread. */
interface RelayThread {
  readonly order: (order: RelayOrder) => void;
  readonly bind: (address: IpAddress) => number;
  /** Counts the settings that the thread was given. */
  readonly epoch: () => number;
  readonly closed: () => void;
}

/**
 * The datagrams of one association, which a thread relays: what its owner has decided on goes without a question, and
 * everything else comes here.
 *
 * @internal
 */
export class DatagramRelayHandle {
  /** The port where datagrams of the client are taken. */
  readonly port: number;
  readonly #thread: RelayThread;
  readonly #events: RelayEvents;
  readonly #figures = new Float64Array(new SharedArrayBuffer(FIGURE_COUNT * 8));
  readonly #used = new Uint8Array(new SharedArrayBuffer(MAX_FLOWS));
  readonly #freeSlots: number[] = [];
  #slotCount = 0;
  #isClosed = false;

  constructor(thread: RelayThread, events: RelayEvents, { fd, port }: { readonly fd: number; readonly port: number }) {
    this.port = port;
    this.#thread = thread;
    this.#events = events;
    this.#order({ type: "open", fd, figures: this.#figures, used: this.#used });
  }

  /** Opens the socket for destinations of one IP version; 0, or an error number, negated. */
  reach(side: "ipv4" | "ipv6", local: IpAddress): number {
    const fd = this.#thread.bind(local);
    if (fd < 0) return fd;
    this.#order({ type: "reach", side, fd });
    return 0;
  }

  /** Sends a datagram, unless too many are on their way to the thread. The parts are copied. */
  send(side: RelaySide, parts: readonly Uint8Array[], to: IpAddress): boolean {
    const figures = this.#figures;
    if ((figures[FIGURE.ordered] as number) - (figures[FIGURE.done] as number) >= MAX_UNDER_WAY) return false;
    (figures[FIGURE.ordered] as number) += 1;
    let length = 0;
    for (const part of parts) length += part.length;
    const data = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    this.#order({ type: "send", side, data, to });
    return true;
  }

  /** Counts the settings that the thread was given: a flow is asked about again when this has changed. */
  get epoch(): number {
    return this.#thread.epoch();
  }

  /** Has a flow relayed without a question from now on; its slot, or `undefined` when there are too many. */
  offer(flow: Omit<FlowPlan, "slot">, slot: number | undefined = this.#takeSlot()): number | undefined {
    if (slot === undefined) return undefined;
    this.#used[slot] = 0;
    this.#order({ type: "flow", flow: { ...flow, slot } });
    return slot;
  }

  /** Asks again about the datagrams of a flow. */
  forget(slot: number): void {
    this.#freeSlots.push(slot);
    this.#order({ type: "forget", slot });
  }

  /** Whether something was relayed on a flow since this was asked last. */
  wasUsed(slot: number): boolean {
    const wasUsed = this.#used[slot] === 1;
    this.#used[slot] = 0;
    return wasUsed;
  }

  /** What the thread has counted up to this moment. */
  get figures(): RelayFigures {
    const at = (figure: number): number => this.#figures[figure] as number;
    return {
      in: at(FIGURE.in),
      out: at(FIGURE.out),
      bytesIn: at(FIGURE.bytesIn),
      bytesOut: at(FIGURE.bytesOut),
      errors: at(FIGURE.errors),
      dropped: {
        stranger: at(FIGURE.stranger),
        limit: at(FIGURE.limit),
        tooLong: at(FIGURE.tooLong),
        unsent: at(FIGURE.unsent),
      },
    };
  }

  /** Takes what the thread says. */
  take(report: RelayReport): void {
    if (this.#isClosed) return;
    if (report.type === "unwatched") return this.#events.onLost(report.errno);
    (this.#figures[FIGURE.taken] as number) += 1;
    if (report.type === "error") this.#events.onError(report.errno);
    else this.#events.onDatagram(report.side, report.data, report.from);
  }

  /** The thread has died, and its descriptors are closed. */
  lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onLost(undefined);
  }

  /** Closes the sockets; nothing is told any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#order({ type: "close" });
    this.#isClosed = true;
    this.#thread.closed();
  }

  #takeSlot(): number | undefined {
    const free = this.#freeSlots.pop();
    if (free !== undefined || this.#slotCount === MAX_FLOWS) return free;
    this.#slotCount += 1;
    return this.#slotCount - 1;
  }

  #order(order: RelayOrder): void {
    if (!this.#isClosed) this.#thread.order(order);
  }
}

/** What the system may keep of datagrams that were not read yet, in bytes. */
const MAX_RECEIVED_LENGTH = 0x80000;

/** The relays of a thread, seen from the thread that has the say. */
export class RelayOwner {
  readonly #kernel: NativeKernel;
  readonly #order: (id: number, order: RelayOrder) => void;
  readonly #handles = new Map<number, DatagramRelayHandle>();
  #lastId = 0;
  #epoch = 0;

  /** @param kernel Notes the descriptors as those of the thread: so they are closed when it dies. */
  constructor(kernel: NativeKernel, order: (id: number, order: RelayOrder) => void) {
    this.#kernel = kernel;
    this.#order = order;
  }

  /** Opens a relay whose client sends to this address; an error number, negated, when the system has no socket for it. */
  open(address: IpAddress, events: RelayEvents): DatagramRelayHandle | number {
    const fd = this.#bind(address);
    if (fd < 0) return fd;
    this.#kernel.localAddress(fd);
    const port = takeAddress(this.#kernel.memory)?.port ?? 0;
    this.#lastId += 1;
    const id = this.#lastId;
    const thread = {
      order: (order: RelayOrder) => this.#order(id, order),
      bind: (local: IpAddress) => this.#bind(local),
      epoch: () => this.#epoch,
      closed: () => void this.#handles.delete(id),
    };
    const handle = new DatagramRelayHandle(thread, events, { fd, port });
    this.#handles.set(id, handle);
    return handle;
  }

  /** Takes what the thread says of a relay. */
  take(id: number, report: RelayReport): void {
    this.#handles.get(id)?.take(report);
  }

  /** The thread was given new settings, and has forgotten every flow. */
  configured(): void {
    this.#epoch += 1;
  }

  /** The thread has died. */
  lose(): void {
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    for (const handle of handles) handle.lose();
  }

  #bind(address: IpAddress): number {
    const kernel = this.#kernel;
    const fd = kernel.datagramSocket(address.type === "ipv4" ? LINUX.AF_INET : LINUX.AF_INET6);
    if (fd < 0) return fd;
    // Datagrams come in bursts. The system gives as much of it as it allows.
    kernel.setOption(fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUF, MAX_RECEIVED_LENGTH);
    const result = kernel.bind(fd, putAddress(kernel.memory, address));
    if (result === 0) return fd;
    kernel.close(fd);
    return result;
  }
}

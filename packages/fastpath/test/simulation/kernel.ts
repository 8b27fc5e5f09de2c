import type { Kernel } from "../../src/kernel/kernel.ts";
import { EPOLL, ERRNO, LINUX, MEMORY } from "../../src/kernel/layout.ts";
import { putAddress, takeAddress } from "../../src/kernel/socket-address.ts";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { connect, End } from "./connection.ts";
import { DatagramEnd, type DatagramFaults, SimulatedDatagrams } from "./datagrams.ts";
import { OctetStream } from "./octet-stream.ts";
import { Listening, PipeEnd } from "./things.ts";
import type { Random } from "./random.ts";

/** How likely things are that a program must be ready for. */
export interface Faults {
  readonly interrupted: number;
  readonly shortTransfer: number;
  readonly spurious: number;
  /** Descriptors that a process may have. */
  readonly descriptors: number;
  readonly noPipe: number;
  readonly noSocket: number;
  /** Absent: calls for datagrams do what they can. */
  readonly datagrams?: DatagramFaults;
}

class Epoll {
  readonly items = new Map<number, Item>();
  readonly ready = new Set<Item>();
}

interface Item {
  readonly fd: number;
  readonly thing: Thing;
  readonly events: number;
  readonly index: number;
  readonly generation: number;
}

type Thing = End | Listening | PipeEnd | Epoll | DatagramEnd;

/** What somebody who is connected to does with it; `undefined` refuses. */
export type OnConnect = (address: IpAddress, end: End) => "accepted" | "refused" | "silent";

/** A kernel in memory that does what Linux documents, in every way that it may. */
export class SimulatedKernel implements Kernel {
  readonly memory: Uint8Array = new Uint8Array(new ArrayBuffer(MEMORY.size));
  /** What a real kernel would not say, and a test must. */
  readonly violations: string[] = [];
  /** Does something elsewhere; `false` when nothing is left to do without a wait. */
  elsewhere: () => boolean = () => false;
  onConnect: OnConnect = () => "refused";
  calls = 0;
  #nowMs = 0;
  readonly #numbers: Int32Array = new Int32Array(this.memory.buffer, MEMORY.numbers, 4);
  readonly #things = new Map<number, Thing>();
  readonly #random: Random;
  readonly #faults: Faults;
  readonly #capacity: number;
  readonly datagrams: SimulatedDatagrams;
  #reported: readonly { readonly item: Item; readonly flags: number }[] = [];

  constructor(random: Random, faults: Faults, capacity: number) {
    this.#random = random;
    this.#faults = faults;
    this.#capacity = capacity;
    const perfect = { interrupted: 0, shortBatch: 0, noRoom: 0, refused: 0 };
    this.datagrams = new SimulatedDatagrams(random, faults.datagrams ?? perfect, (fd) => this.datagramEnd(fd));
  }

  /** Descriptors that are open. */
  get open(): readonly number[] {
    return [...this.#things.keys()];
  }

  /** A listening socket. */
  listen(): number {
    return this.#install(new Listening());
  }

  /** Somebody connects to a listening socket. */
  arrive(fd: number, address: IpAddress): End {
    const [theirs, ours] = connect(this.#capacity);
    const listening = this.#things.get(fd);
    if (!(listening instanceof Listening)) {
      ours.reset();
      return theirs;
    }
    listening.queue.push({ end: ours, address });
    listening.wake();
    return theirs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  accept(fd: number): number {
    const listening = this.#get(fd, Listening);
    if (this.#isInterrupted()) return -ERRNO.EINTR;
    const [first] = listening.queue;
    if (first === undefined) return -ERRNO.EAGAIN;
    if (this.#things.size >= this.#faults.descriptors) return -ERRNO.EMFILE;
    listening.queue.shift();
    putAddress(this.memory, first.address);
    return this.#install(first.end);
  }

  socket(family: number): number {
    void family;
    if (this.#things.size >= this.#faults.descriptors) return -ERRNO.EMFILE;
    if (this.#random.chance(this.#faults.noSocket)) return -ERRNO.ENFILE;
    return this.#install(new End(new OctetStream(0), new OctetStream(0)));
  }

  datagramSocket(family: number): number {
    return this.#things.size >= this.#faults.descriptors ? -ERRNO.EMFILE : this.#install(new DatagramEnd(family));
  }

  /** A socket, as those outside see it. */
  datagramEnd(fd: number): DatagramEnd {
    return this.#get(fd, DatagramEnd);
  }

  bind(): number {
    return 0;
  }

  connect(fd: number): number {
    const address = takeAddress(this.memory);
    if (address === undefined) return -97;
    const blank = this.#get(fd, End);
    const [ours, theirs] = connect(this.#capacity);
    void blank;
    ours.isConnecting = true;
    this.#things.set(fd, ours);
    this.pending.push({ ours, theirs, address });
    return this.#isInterrupted() ? -ERRNO.EINTR : -ERRNO.EINPROGRESS;
  }

  /** Connections that are being made. */
  readonly pending: { readonly ours: End; readonly theirs: End; readonly address: IpAddress }[] = [];

  /** Something becomes of the connection that was begun first. */
  settleOne(): void {
    const next = this.pending.shift();
    if (next === undefined) return;
    const { ours, theirs, address } = next;
    const answer = this.onConnect(address, theirs);
    if (ours.isClosed) return theirs.peerReset();
    if (answer === "silent") return;
    ours.isConnecting = false;
    if (answer === "refused") {
      ours.isReset = true;
      ours.error = 111;
    }
    ours.wake();
  }

  localAddress(): number {
    putAddress(this.memory, parseIpAddress("192.0.2.7", 4_242) as IpAddress);
    return 0;
  }

  setOption(fd: number): number {
    this.#get(fd, End);
    return 0;
  }

  socketError(fd: number): number {
    const end = this.#get(fd, End);
    const { error } = end;
    end.error = 0;
    return error === 0 ? 0 : -error;
  }

  resetOnClose(fd: number): number {
    this.#get(fd, End).resetsOnClose = true;
    return 0;
  }

  read(fd: number, offset: number, length: number): number {
    const taken = this.#receive(fd, length);
    if (typeof taken === "number") return taken;
    this.memory.set(taken, offset);
    return taken.length;
  }

  write(fd: number, offset: number, length: number): number {
    return this.#send(fd, this.memory.slice(offset, offset + length));
  }

  splice(from: number, to: number, length: number): number {
    const source = this.#things.get(from);
    const target = this.#things.get(to);
    if (target instanceof PipeEnd) {
      if (target.stream.room === 0) return -ERRNO.EAGAIN;
      const taken = this.#receive(from, Math.min(length, target.stream.room));
      if (typeof taken === "number") return taken;
      target.stream.push(taken);
      return taken.length;
    }
    if (!(source instanceof PipeEnd)) return this.#violate(`splice of ${from} and ${to}, neither of which is a pipe`);
    if (source.stream.length === 0) return -ERRNO.EAGAIN;
    const octets = source.stream.take(Math.min(length, source.stream.length));
    const sent = this.#send(to, octets);
    // What was not taken is still in the pipe, in its place.
    const rest = octets.subarray(Math.max(0, sent));
    const behind = source.stream.take(source.stream.length);
    source.stream.push(rest.slice());
    source.stream.push(behind);
    return sent;
  }

  pipe(): number {
    if (this.#things.size + 2 > this.#faults.descriptors) return -ERRNO.EMFILE;
    if (this.#random.chance(this.#faults.noPipe)) return -ERRNO.ENFILE;
    const stream = new OctetStream(this.#random.pick([4_096, 16_384, 65_536, 262_144]));
    this.#numbers[0] = this.#install(new PipeEnd(stream, false));
    this.#numbers[1] = this.#install(new PipeEnd(stream, true));
    return 0;
  }

  setPipeSize(): number {
    return -1;
  }

  shutdown(fd: number, how: number): number {
    const end = this.#get(fd, End);
    if (end.isReset) return -107;
    if (how === LINUX.SHUT_WR) end.finish();
    return 0;
  }

  close(fd: number): number {
    const thing = this.#things.get(fd);
    if (thing === undefined) return this.#violate(`close of ${fd}, which is not open`);
    this.#things.delete(fd);
    for (const other of this.#things.values()) {
      if (!(other instanceof Epoll)) continue;
      const item = other.items.get(fd);
      other.items.delete(fd);
      if (item !== undefined) other.ready.delete(item);
    }
    if (thing instanceof End) {
      thing.wake = () => undefined;
      thing.close();
    }
    return 0;
  }

  release(fd: number): void {
    // Whoever has it closes it; here that is right away.
    this.close(fd);
  }

  epollCreate(): number {
    return this.#things.size >= this.#faults.descriptors ? -ERRNO.EMFILE : this.#install(new Epoll());
  }

  epollAdd(epoll: number, fd: number, events: number, index: number, generation: number): number {
    const set = this.#get(epoll, Epoll);
    const thing = this.#things.get(fd);
    if (thing === undefined) return this.#violate(`epoll_ctl with ${fd}, which is not open`);
    if (set.items.has(fd)) return this.#violate(`epoll_ctl with ${fd}, which is watched already`);
    const item = { fd, thing, events, index, generation };
    set.items.set(fd, item);
    if (hasWake(thing)) thing.wake = () => set.ready.add(item);
    set.ready.add(item);
    return 0;
  }

  epollRemove(epoll: number, fd: number): number {
    const set = this.#get(epoll, Epoll);
    const item = set.items.get(fd);
    if (item === undefined) return this.#violate(`epoll_ctl removes ${fd}, which is not watched`);
    set.items.delete(fd);
    set.ready.delete(item);
    if (hasWake(item.thing)) item.thing.wake = () => undefined;
    return 0;
  }

  epollWait(epoll: number, timeoutMs: number): number {
    this.calls += 1;
    const set = this.#get(epoll, Epoll);
    this.#nowMs += this.#random.next() * 0.2;
    for (let i = this.#random.int(0, 6); i > 0; i--) this.elsewhere();
    if (this.#isInterrupted()) return -ERRNO.EINTR;
    if (this.#random.chance(this.#faults.spurious)) {
      const items = [...set.items.values()];
      if (items.length > 0) set.ready.add(this.#random.pick(items));
    }
    let events = this.#collect(set);
    if (events.length === 0 && timeoutMs !== 0 && !this.elsewhere()) this.#nowMs += timeoutMs;
    else if (events.length === 0) events = this.#collect(set);
    this.#reported = events;
    return events.length;
  }

  eventFlags(position: number): number {
    return this.#reported[position]?.flags ?? 0;
  }

  eventIndex(position: number): number {
    return this.#reported[position]?.item.index ?? -1;
  }

  eventGeneration(position: number): number {
    return this.#reported[position]?.item.generation ?? -1;
  }

  #collect(set: Epoll): { readonly item: Item; readonly flags: number }[] {
    const events: { readonly item: Item; readonly flags: number }[] = [];
    const most = this.#random.int(1, 8);
    for (const item of set.ready) {
      if (events.length >= most) break;
      const flags = flagsOf(item.thing) & (item.events | EPOLL.err | EPOLL.hup);
      if ((item.events & EPOLL.edge) !== 0 || flags === 0) set.ready.delete(item);
      if (flags !== 0) events.push({ item, flags });
    }
    return events;
  }

  #receive(fd: number, length: number): Uint8Array | number {
    const end = this.#get(fd, End);
    if (this.#isInterrupted()) return -ERRNO.EINTR;
    if (end.incoming.length > 0) {
      const there = Math.min(length, end.incoming.length);
      if (there > 1 && this.#random.chance(this.#faults.shortTransfer)) {
        // The rest is as if it came a moment later: that is an event.
        const taken = end.receive(this.#random.int(1, there - 1));
        end.wake();
        return taken;
      }
      return end.receive(there);
    }
    if (end.error !== 0) {
      const { error } = end;
      end.error = 0;
      return -error;
    }
    return end.incoming.ended || end.isReset ? new Uint8Array(0) : -ERRNO.EAGAIN;
  }

  #send(fd: number, octets: Uint8Array): number {
    const end = this.#get(fd, End);
    if (this.#isInterrupted()) return -ERRNO.EINTR;
    if (end.error !== 0) {
      const { error } = end;
      end.error = 0;
      return -error;
    }
    if (end.isReset || end.outgoing.ended) return -ERRNO.EPIPE;
    const isShort = octets.length > 1 && this.#random.chance(this.#faults.shortTransfer);
    const sent = end.send(isShort ? octets.subarray(0, this.#random.int(1, octets.length - 1)) : octets);
    return sent === 0 ? -ERRNO.EAGAIN : sent;
  }

  #isInterrupted(): boolean {
    return this.#random.chance(this.#faults.interrupted);
  }

  /** The lowest number that is free: so numbers are reused at once. */
  #install(thing: Thing): number {
    let fd = 3;
    while (this.#things.has(fd)) fd += 1;
    this.#things.set(fd, thing);
    return fd;
  }

  #get<T extends Thing>(fd: number, kind: abstract new (...args: never[]) => T): T {
    const thing = this.#things.get(fd);
    if (thing instanceof kind) return thing;
    this.#violate(`a call with ${fd}, which is ${thing === undefined ? "not open" : "something else"}`);
    throw new TypeError(this.violations.at(-1));
  }

  #violate(what: string): number {
    this.violations.push(what);
    return -9;
  }
}

function hasWake(thing: Thing): thing is End | Listening | DatagramEnd {
  return thing instanceof End || thing instanceof Listening || thing instanceof DatagramEnd;
}

function flagsOf(thing: Thing): number {
  if (thing instanceof DatagramEnd) {
    return thing.flags;
  }
  if (thing instanceof Listening) return thing.queue.length > 0 ? EPOLL.in : 0;
  if (!(thing instanceof End) || thing.isConnecting) return 0;
  let flags = 0;
  if (thing.incoming.length > 0 || thing.incoming.ended || thing.isReset) flags |= EPOLL.in;
  if (thing.incoming.ended || thing.isReset) flags |= EPOLL.rdhup;
  if (thing.isReset || (thing.incoming.ended && thing.outgoing.ended)) flags |= EPOLL.hup;
  if (thing.error !== 0) flags |= EPOLL.err;
  if (thing.outgoing.room > 0 || thing.isReset) flags |= EPOLL.out;
  else thing.wantsRoom = true;
  return flags;
}

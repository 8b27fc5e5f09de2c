import type { IpAddress } from "@sockskit/wire";
import { addressAt, socketWords } from "../../src/datagrams/socket-words.ts";
import type { DatagramCalls } from "../../src/kernel/datagram-calls.ts";
import { ADDRESS_WORDS, DATAGRAMS, EPOLL, ERRNO, LINUX } from "../../src/kernel/layout.ts";
import type { Random } from "./random.ts";

/** A datagram outside of a loop. */
export interface SimulatedDatagram {
  readonly data: Uint8Array;
  /** Where it came from, or where it goes. */
  readonly peer: IpAddress;
}

/** A UDP socket in memory. */
export class DatagramEnd {
  readonly incoming: SimulatedDatagram[] = [];
  readonly outgoing: SimulatedDatagram[] = [];
  readonly isIpv4: boolean;
  /** What an ICMP message has left behind. */
  error = 0;
  wake: () => void = () => undefined;

  constructor(family: number) {
    this.isIpv4 = family === LINUX.AF_INET;
  }

  /** The conditions that an event would tell. */
  get flags(): number {
    return EPOLL.out | (this.incoming.length > 0 ? EPOLL.in : 0) | (this.error === 0 ? 0 : EPOLL.in | EPOLL.err);
  }

  /** A datagram comes. */
  arrive(datagram: SimulatedDatagram): void {
    this.incoming.push(datagram);
    this.wake();
  }

  /** An error about a datagram that was sent before. */
  fail(errno: number): void {
    this.error = errno;
    this.wake();
  }
}

/** How likely calls do less than they could. */
export interface DatagramFaults {
  readonly interrupted: number;
  readonly shortBatch: number;
  readonly noRoom: number;
  readonly refused: number;
}

/** {@link DatagramCalls} over sockets in memory, in every way that Linux may do it. */
export class SimulatedDatagrams implements DatagramCalls {
  readonly memory: Uint8Array = new Uint8Array(DATAGRAMS.batch * DATAGRAMS.stride);
  readonly sources: Int32Array = new Int32Array(DATAGRAMS.batch * ADDRESS_WORDS);
  readonly targets: Int32Array = new Int32Array(DATAGRAMS.batch * ADDRESS_WORDS);
  /** Datagrams that the system did not take, and why. */
  readonly unsent = { noRoom: 0, refused: 0 };
  readonly #random: Random;
  readonly #faults: DatagramFaults;
  readonly #find: (fd: number) => DatagramEnd;
  readonly #lengths: number[] = [];
  readonly #messages: { offset: number; length: number }[] = [];

  constructor(random: Random, faults: DatagramFaults, find: (fd: number) => DatagramEnd) {
    this.#random = random;
    this.#faults = faults;
    this.#find = find;
  }

  receive(fd: number): number {
    const end = this.#find(fd);
    if (this.#random.chance(this.#faults.interrupted)) return -ERRNO.EINTR;
    if (end.error !== 0) return -takeError(end);
    if (end.incoming.length === 0) return -ERRNO.EAGAIN;
    const most = this.#random.chance(this.#faults.shortBatch) ? this.#random.int(1, 4) : DATAGRAMS.batch;
    const datagrams = end.incoming.splice(0, most);
    datagrams.forEach(({ data, peer }, position) => {
      this.memory.set(data, position * DATAGRAMS.stride + DATAGRAMS.room);
      this.sources.set(socketWords(peer).words, position * ADDRESS_WORDS);
      this.#lengths[position] = data.length;
    });
    return datagrams.length;
  }

  receivedLength(position: number): number {
    return this.#lengths[position] ?? 0;
  }

  put(position: number, offset: number, length: number): void {
    this.#messages[position] = { offset, length };
  }

  send(fd: number, position: number, count: number): number {
    const end = this.#find(fd);
    if (this.#random.chance(this.#faults.interrupted)) return -ERRNO.EINTR;
    if (this.#random.chance(this.#faults.noRoom)) {
      this.unsent.noRoom += count;
      return -ERRNO.EAGAIN;
    }
    // An error takes the place of the first message; one after that shortens the batch.
    if (end.error !== 0 || this.#random.chance(this.#faults.refused)) {
      this.unsent.refused += 1;
      return -(takeError(end) || 111);
    }
    const most = this.#random.chance(this.#faults.shortBatch) ? this.#random.int(1, count) : count;
    for (let index = position; index < position + most; index++) {
      const { offset, length } = this.#messages[index] ?? { offset: 0, length: 0 };
      const peer = addressAt(this.targets, index * ADDRESS_WORDS);
      end.outgoing.push({ data: this.memory.slice(offset, offset + length), peer });
    }
    return most;
  }
}

function takeError(end: DatagramEnd): number {
  const { error } = end;
  end.error = 0;
  return error;
}

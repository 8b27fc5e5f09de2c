import type { DatagramCalls } from "./datagram-calls.ts";
import { ADDRESS_CAPACITY, ADDRESS_WORDS, DATAGRAMS, LINUX, MESSAGE } from "./layout.ts";

/** What is needed of the library that makes the calls. */
export interface DatagramFunctions {
  readonly recvmmsg: (fd: number, messages: number, count: number, flags: number, timeout: number) => number;
  readonly sendmmsg: (fd: number, messages: number, count: number, flags: number) => number;
  readonly address: (memory: Uint8Array) => number;
  readonly errno: () => number;
}

const WORD = 4;
const HIGH_WORD = 0x1_0000_0000;

/** A list of `struct mmsghdr`, each with one `struct iovec` and one address. */
class Messages {
  readonly at: number;
  readonly addresses: Int32Array;
  readonly #words: Uint32Array;
  readonly #data: number;

  constructor(data: number, address: DatagramFunctions["address"]) {
    const bytes = DATAGRAMS.batch * (MESSAGE.stride + MESSAGE.vector + ADDRESS_WORDS * WORD);
    const memory = new Uint8Array(new ArrayBuffer(bytes));
    const vectors = DATAGRAMS.batch * MESSAGE.stride;
    const addresses = vectors + DATAGRAMS.batch * MESSAGE.vector;
    this.at = address(memory);
    this.addresses = new Int32Array(memory.buffer, addresses);
    this.#words = new Uint32Array(memory.buffer, 0, addresses / WORD);
    this.#data = data;
    for (let position = 0; position < DATAGRAMS.batch; position++) {
      const header = (position * MESSAGE.stride) / WORD;
      this.#point(header + MESSAGE.name / WORD, this.at + addresses + position * ADDRESS_WORDS * WORD);
      this.#point(header + MESSAGE.vectors / WORD, this.at + vectors + position * MESSAGE.vector);
      this.#words[header + MESSAGE.vectorCount / WORD] = 1;
    }
  }

  /** Where the octets of a message are. */
  setOctets(position: number, offset: number, length: number): void {
    const vector = (DATAGRAMS.batch * MESSAGE.stride + position * MESSAGE.vector) / WORD;
    this.#point(vector, this.#data + offset);
    this.#words[vector + 2] = length;
  }

  setAddressLength(position: number, length: number): void {
    this.#words[(position * MESSAGE.stride + MESSAGE.nameLength) / WORD] = length;
  }

  length(position: number): number {
    return this.#words[(position * MESSAGE.stride + MESSAGE.length) / WORD] as number;
  }

  /** Both architectures store the low half first. */
  #point(word: number, pointer: number): void {
    this.#words[word] = pointer % HIGH_WORD;
    this.#words[word + 1] = Math.floor(pointer / HIGH_WORD);
  }
}

/** {@link DatagramCalls} of libc. */
export class NativeDatagrams implements DatagramCalls {
  readonly memory: Uint8Array = new Uint8Array(new ArrayBuffer(DATAGRAMS.batch * DATAGRAMS.stride));
  readonly sources: Int32Array;
  readonly targets: Int32Array;
  readonly #functions: DatagramFunctions;
  readonly #incoming: Messages;
  readonly #outgoing: Messages;
  /** Messages whose address lengths the last call has overwritten. */
  #used: number = DATAGRAMS.batch;

  constructor(functions: DatagramFunctions) {
    const data = functions.address(this.memory);
    this.#functions = functions;
    this.#incoming = new Messages(data, functions.address);
    this.#outgoing = new Messages(data, functions.address);
    this.sources = this.#incoming.addresses;
    this.targets = this.#outgoing.addresses;
    for (let position = 0; position < DATAGRAMS.batch; position++) {
      const offset = position * DATAGRAMS.stride + DATAGRAMS.room;
      this.#incoming.setOctets(position, offset, DATAGRAMS.stride - DATAGRAMS.room);
    }
  }

  receive(fd: number): number {
    for (let position = 0; position < this.#used; position++) {
      this.#incoming.setAddressLength(position, ADDRESS_CAPACITY);
    }
    const count = this.#functions.recvmmsg(fd, this.#incoming.at, DATAGRAMS.batch, LINUX.MSG_DONTWAIT, 0);
    this.#used = Math.max(0, count);
    return count < 0 ? -this.#functions.errno() : count;
  }

  receivedLength(position: number): number {
    return this.#incoming.length(position);
  }

  put(position: number, offset: number, length: number, addressLength: number): void {
    this.#outgoing.setOctets(position, offset, length);
    this.#outgoing.setAddressLength(position, addressLength);
  }

  send(fd: number, position: number, count: number): number {
    const messages = this.#outgoing.at + position * MESSAGE.stride;
    const sent = this.#functions.sendmmsg(fd, messages, count, LINUX.MSG_DONTWAIT);
    return sent < 0 ? -this.#functions.errno() : sent;
  }
}

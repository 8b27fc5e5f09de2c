import type { FlowPlan } from "./orders.ts";
import { hashOf, isAddressAt, type SocketWords, socketWords } from "./socket-words.ts";

/** Somebody whose answers are taken. Several flows lead there when a client calls it by several names. */
export class Source {
  readonly address: SocketWords;
  /** What stands before its answers. */
  readonly header: Uint8Array;
  /** The last flow that was told of. */
  slot: number;
  flows = 0;
  /** The next one of the same hash. */
  next: Source | undefined;

  constructor(address: SocketWords, header: Uint8Array, slot: number) {
    this.address = address;
    this.header = header;
    this.slot = slot;
  }
}

/** What a client's datagrams with one header are done with. */
export class Flow {
  readonly slot: number;
  readonly header: Uint8Array;
  readonly side: "ipv4" | "ipv6";
  readonly source: Source;
  /** The next one of the same hash. */
  next: Flow | undefined;

  constructor({ slot, header, address }: FlowPlan, source: Source) {
    this.slot = slot;
    this.header = header;
    this.side = address.type;
    this.source = source;
  }
}

/** Octets of a header before its address: RSV, FRAG, ATYP. */
const PREFIX_LENGTH = 4;

/** The flows of one relay: found by the octets of a header, and by the address of an answer. */
export class FlowTable {
  /** Nobody who chooses headers or addresses knows which of them meet. */
  readonly #seed: number;
  readonly #bySlot = new Map<number, Flow>();
  readonly #byHeader = new Map<number, Flow>();
  readonly #bySource = new Map<number, Source>();
  #last: Flow | undefined;
  #lastSource: Source | undefined;

  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  get size(): number {
    return this.#bySlot.size;
  }

  /** Remembers one. Its slot is of no other one. */
  add(plan: FlowPlan): void {
    this.forget(plan.slot);
    const source = this.#sourceFor(plan);
    const flow = new Flow(plan, source);
    source.flows += 1;
    source.slot = plan.slot;
    this.#bySlot.set(plan.slot, flow);
    const hash = this.#hash(plan.header, 0, plan.header.length);
    flow.next = this.#byHeader.get(hash);
    this.#byHeader.set(hash, flow);
  }

  /** Forgets one, and its answers when no other flow leads there. */
  forget(slot: number): void {
    const flow = this.#bySlot.get(slot);
    if (flow === undefined) return;
    this.#bySlot.delete(slot);
    this.#last = this.#lastSource = undefined;
    unlink(this.#byHeader, this.#hash(flow.header, 0, flow.header.length), flow);
    const { source } = flow;
    source.flows -= 1;
    if (source.flows === 0) unlink(this.#bySource, hashOf(source.address.words, 0, this.#seed), source);
  }

  clear(): void {
    this.#bySlot.clear();
    this.#byHeader.clear();
    this.#bySource.clear();
    this.#last = this.#lastSource = undefined;
  }

  /** The flow of a datagram that lies there. */
  find(memory: Uint8Array, at: number, length: number): Flow | undefined {
    const last = this.#last;
    if (last !== undefined && begins(memory, at, length, last.header)) return last;
    const headerLength = lengthOfHeader(memory, at, length);
    if (headerLength === 0 || headerLength > length) return undefined;
    let flow = this.#byHeader.get(this.#hash(memory, at, headerLength));
    while (flow !== undefined && !begins(memory, at, length, flow.header)) flow = flow.next;
    if (flow !== undefined) this.#last = flow;
    return flow;
  }

  /** Who sent an answer, when it is awaited. */
  findSource(words: Int32Array, at: number): Source | undefined {
    const last = this.#lastSource;
    if (last !== undefined && isAddressAt(words, at, last.address.words)) return last;
    let source = this.#bySource.get(hashOf(words, at, this.#seed));
    while (source !== undefined && !isAddressAt(words, at, source.address.words)) source = source.next;
    if (source !== undefined) this.#lastSource = source;
    return source;
  }

  #sourceFor({ address, answerHeader, slot }: FlowPlan): Source {
    const words = socketWords(address);
    const known = this.findSource(words.words, 0);
    if (known !== undefined) return known;
    const source = new Source(words, answerHeader, slot);
    const hash = hashOf(words.words, 0, this.#seed);
    source.next = this.#bySource.get(hash);
    this.#bySource.set(hash, source);
    return source;
  }

  #hash(memory: Uint8Array, at: number, length: number): number {
    let hash = this.#seed ^ length;
    for (let index = PREFIX_LENGTH - 1; index < length; index++) {
      hash = Math.imul(hash ^ (memory[at + index] as number), 0x0100_0193);
    }
    return hash ^ (hash >>> 15);
  }
}

/** Length of the header that lies there; 0 when it is none. */
function lengthOfHeader(memory: Uint8Array, at: number, length: number): number {
  if (length <= PREFIX_LENGTH) return 0;
  switch (memory[at + 3]) {
    case 0x01:
      return PREFIX_LENGTH + 4 + 2;
    case 0x03:
      return PREFIX_LENGTH + 1 + (memory[at + PREFIX_LENGTH] as number) + 2;
    case 0x04:
      return PREFIX_LENGTH + 16 + 2;
    default:
      return 0;
  }
}

function begins(memory: Uint8Array, at: number, length: number, header: Uint8Array): boolean {
  if (length < header.length) return false;
  for (let index = 0; index < header.length; index++) if (memory[at + index] !== header[index]) return false;
  return true;
}

function unlink<T extends { next: T | undefined }>(chains: Map<number, T>, hash: number, gone: T): void {
  const first = chains.get(hash);
  if (first === gone) {
    if (gone.next === undefined) chains.delete(hash);
    else chains.set(hash, gone.next);
    return;
  }
  for (let before = first; before !== undefined; before = before.next) {
    if (before.next === gone) before.next = gone.next;
  }
}

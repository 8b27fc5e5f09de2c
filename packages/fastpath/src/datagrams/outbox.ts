import type { DatagramCalls } from "../kernel/datagram-calls.ts";
import { ADDRESS_WORDS, DATAGRAMS, ERRNO } from "../kernel/layout.ts";
import type { SocketWords } from "./socket-words.ts";

/** Messages that go out by one socket in one call. */
export class Outbox {
  /** What became of the messages of the last {@link flush}. */
  sent = 0;
  /** Their octets without headers. */
  sentLength = 0;
  /** The system had no room for them. */
  full = 0;
  /** The system refused them. */
  refused = 0;
  readonly #calls: DatagramCalls;
  /** The address that stands at each position: most messages go to the same one as those before. */
  readonly #addresses: (SocketWords | undefined)[] = Array.from({ length: DATAGRAMS.batch }, () => undefined);
  readonly #lengths = new Int32Array(DATAGRAMS.batch);
  #count = 0;

  constructor(calls: DatagramCalls) {
    this.#calls = calls;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Adds one, of octets that lie there. `dataLength` counts. */
  add(address: SocketWords, offset: number, length: number, dataLength: number): void {
    const position = this.#count;
    this.#count = position + 1;
    this.#lengths[position] = dataLength;
    if (this.#addresses[position] !== address) {
      this.#addresses[position] = address;
      const { targets } = this.#calls;
      const { words } = address;
      const at = position * ADDRESS_WORDS;
      for (let index = 0; index < ADDRESS_WORDS; index++) targets[at + index] = words[index] as number;
    }
    this.#calls.put(position, offset, length, address.length);
  }

  /** Sends all of them. What the system does not take is lost: it has as much room as a socket has. */
  flush(fd: number): void {
    const count = this.#count;
    this.#count = this.sent = this.sentLength = this.full = this.refused = 0;
    for (let position = 0; position < count;) {
      const result = this.#calls.send(fd, position, count - position);
      if (result === -ERRNO.EINTR) continue;
      if (result === -ERRNO.EAGAIN || result === -ERRNO.ENOBUFS) {
        this.full = count - position;
        return;
      }
      if (result <= 0) {
        this.refused += 1;
        position += 1;
        continue;
      }
      this.sent += result;
      for (const end = position + result; position < end; position++) {
        this.sentLength += this.#lengths[position] as number;
      }
    }
  }
}

import { OctetStream } from "./octet-stream.ts";

/** One end of a simulated TCP connection. */
export class End {
  readonly incoming: OctetStream;
  readonly outgoing: OctetStream;
  /** Set by {@link connect}. */
  other!: End;
  /** Called when something has changed that a poll would see. */
  wake: () => void = () => undefined;
  /** The error that the next call meets, and whether the connection is gone. */
  error = 0;
  isReset = false;
  isClosed = false;
  /** A write found no room: the next room is an event. */
  wantsRoom = false;
  resetsOnClose = false;
  isConnecting = false;

  constructor(incoming: OctetStream, outgoing: OctetStream) {
    this.incoming = incoming;
    this.outgoing = outgoing;
  }

  /** Takes octets; room for the other end. */
  receive(count: number): Uint8Array {
    const taken = this.incoming.take(count);
    if (taken.length > 0 && this.other.wantsRoom) {
      this.other.wantsRoom = false;
      this.other.wake();
    }
    return taken;
  }

  /** Puts octets on their way, as many as there is room for. */
  send(octets: Uint8Array): number {
    const count = Math.min(octets.length, this.outgoing.room);
    if (count < octets.length) this.wantsRoom = true;
    if (count === 0) return 0;
    this.outgoing.push(octets.slice(0, count));
    this.other.wake();
    return count;
  }

  /** Says that nothing more will come. */
  finish(): void {
    if (this.outgoing.ended) return;
    this.outgoing.ended = true;
    this.other.wake();
  }

  /** Breaks the connection off. */
  reset(): void {
    if (this.isReset) return;
    this.isReset = true;
    this.outgoing.clear();
    this.other.peerReset();
  }

  peerReset(): void {
    if (this.isReset || this.isClosed) return;
    this.isReset = true;
    // What has arrived may still be read, as with Linux.
    this.error = this.outgoing.ended && this.incoming.ended ? 0 : this.incoming.ended ? 32 : 104;
    this.wake();
  }

  /** Gives the end up, by a reset when something was not read. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.isReset) return;
    if (this.resetsOnClose || this.incoming.length > 0) this.reset();
    else this.finish();
  }
}

/** Two ends of a new connection. */
export function connect(capacity: number): readonly [End, End] {
  const there = new OctetStream(capacity);
  const back = new OctetStream(capacity);
  const a = new End(back, there);
  const b = new End(there, back);
  a.other = b;
  b.other = a;
  return [a, b];
}

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

const ADDRESSES = ["remoteAddress", "remotePort", "remoteFamily", "localAddress", "localPort", "localFamily"] as const;

/**
 * What TLS stands on. Node puts TLS on TLS below its streams, and there an end overtakes what was written before it: the other
 * side gets half a record (alert 50). Through a stream of JavaScript the order stays.
 */
export function streamBelow(socket: Socket): Duplex {
  return socket instanceof TLSSocket ? new StreamBelow(socket) : socket;
}

/** Tells of TLS on a {@link StreamBelow} where it leads: Node does not know it there. */
export function showAddresses(secured: TLSSocket, socket: Socket): void {
  if (!(socket instanceof TLSSocket)) return;
  for (const name of ADDRESSES) Object.defineProperty(secured, name, { get: () => socket[name], configurable: true });
}

/** Passes everything on, one piece after the other. It owns the socket. */
class StreamBelow extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.#closed());
    if (socket.readableEnded) this.push(null);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #closed(): void {
    // What came before its end is still to be read.
    if (!this.#socket.readableEnded) this.destroy();
  }
}

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { decodeSslFrame, encodeSslFrame, MAX_SSL_DATA_LENGTH, SSL_STATE, WireError } from "@sockskit/wire";

const NOTHING: Uint8Array = new Uint8Array(0);

/** What is read ahead of TLS, in octets: one frame is always taken whole. */
const READ_AHEAD = 0x10000;

/**
 * The TLS stream of method 06 over a connection: each piece travels in frames of draft-ietf-aft-socks-ssl-00, which say
 * what it is for.
 */
export class SslFrames extends Duplex {
  readonly #socket: Socket;
  #sends: number = SSL_STATE.initialHandshake;
  #receives: number = SSL_STATE.initialHandshake;
  #unread: Uint8Array = NOTHING;

  /** Takes the connection over, with nobody else listening to it. */
  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_AHEAD });
    this.#socket = socket;
    // It ends when this does: what is still on its way through TLS would be lost otherwise.
    socket.allowHalfOpen = true;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    if (socket.readableEnded) this.#end();
    else if (socket.destroyed) this.destroy();
  }

  /** What the next frames are for; never goes back. */
  enter(state: number): void {
    this.#sends = Math.max(this.#sends, state);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    const state = this.#sends;
    for (let at = 0; at < chunk.length || at === 0; at += MAX_SSL_DATA_LENGTH) {
      const data = chunk.subarray(at, at + MAX_SSL_DATA_LENGTH);
      const isLast = at + MAX_SSL_DATA_LENGTH >= chunk.length;
      // An empty piece only asks to be told when everything before it was sent.
      if (data.length === 0) return done();
      this.#socket.write(encodeSslFrame({ state, data }), isLast ? done : undefined);
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#unread = NOTHING;
    this.#socket.destroy();
    done(error);
  }

  #receive(chunk: Uint8Array): void {
    if (this.destroyed) return;
    const unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    try {
      this.#unread = unread.subarray(this.#takeFrames(unread));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.destroy(error);
    }
  }

  /** Hands the data of every whole frame on; gives the number of octets that they took. */
  #takeFrames(bytes: Uint8Array): number {
    let at = 0;
    for (let frame = decodeSslFrame(bytes); frame !== undefined; frame = decodeSslFrame(bytes, at)) {
      const { state, data } = frame.value;
      if (state < this.#receives) {
        throw new WireError("ERR_SOCKS_BAD_FIELD", `STATE went back from ${this.#receives} to ${state}`, {
          side: "remote",
        });
      }
      this.#receives = state;
      at += frame.byteLength;
      if (data.length > 0 && !this.push(data)) this.#socket.pause();
    }
    return at;
  }

  #end(): void {
    // In the middle of the handshake of TLS the other side's end is the end of all.
    if (this.#sends === SSL_STATE.initialHandshake) this.destroy();
    else if (this.#unread.length === 0) this.push(null);
    else this.destroy(new WireError("ERR_SOCKS_BAD_FIELD", "the connection ended inside a frame", { side: "remote" }));
  }
}

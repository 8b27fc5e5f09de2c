// The frames of draft-ietf-aft-socks-ssl-00, written down a second time: what the product's own are compared with.
import type net from "node:net";
import { Duplex } from "node:stream";

/** A TLS stream in frames over a socket, with everything for a test to look at and to do wrong. */
export class TestFrames extends Duplex {
  /** `STATE` of what is sent. */
  state = 1;
  /** Most octets of `DATA` in one frame. */
  pieceLength = 0xffff;
  /** `STATE` of what came, without repetitions. */
  readonly states: number[] = [];
  readonly #socket: net.Socket;
  #rest = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    this.on("error", () => undefined);
  }

  override _read(): void {
    // Everything is taken as it comes.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = 0; at < chunk.length; at += this.pieceLength) {
      const data = chunk.subarray(at, at + this.pieceLength);
      this.#socket.write(Buffer.concat([Buffer.from([0x01, this.state, data.length >> 8, data.length & 0xff]), data]));
    }
    done();
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt16BE(2)) {
      if (this.#rest[0] !== 0x01) throw new TypeError(`a frame begins with ${this.#rest[0]}`);
      const state = this.#rest[1] as number;
      const length = this.#rest.readUInt16BE(2);
      if (this.states.at(-1) !== state) this.states.push(state);
      this.push(this.#rest.subarray(4, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
  }
}

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { encodeGssapiHeader, MTYP } from "@sockskit/wire";
import type { GssapiMessage } from "@sockskit/auth";
import { FrameSplitter } from "./frame-splitter.ts";
import { type Agreement, ended, expired, isConfidential, messageLimit, problemOf, truncated } from "./protection.ts";

/** Octets that wait in one direction while others are at the mechanism; then nothing more is taken. */
const MAX_WAITING_LENGTH = 0x4_0000;
/** The longest time that Node's timers keep. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * The plain octets of a connection on which every message is protected (RFC 1961 section 5). What is written goes out
 * in frames, in its order; what is read was in frames that are whole, unchanged and in their order. Anything else ends
 * the connection, with an error whose code is `ERR_SOCKS_GSSAPI_TAMPERED` or `ERR_SOCKS_GSSAPI_EXPIRED`.
 *
 * It owns the socket and the context: both end with it. That the other side closes is not protected: an end between
 * two frames looks like any other.
 */
export class GssapiStream extends Duplex {
  readonly #socket: Socket;
  readonly #agreement: Agreement;
  readonly #splitter = new FrameSplitter();
  readonly #timer: NodeJS.Timeout | undefined;
  #waiting: Uint8Array[] = [];
  #waitingLength = 0;
  #isUnwrapping = false;
  #outgoing: Uint8Array[] = [];
  #outgoingLength = 0;
  #isWrapping = false;
  /** Tells that more may be written. */
  #whenTaken: (() => void) | undefined;
  /** Ends what is written, once all of it is protected. */
  #whenSent: (() => void) | undefined;
  #isFull = false;
  #hasEnded = false;
  #bytesRead = 0;
  #bytesWritten = 0;

  /**
   * @param socket - The connection. Nobody else may listen to it or write to it from now on.
   * @param agreement - The context and the protection.
   * @param early - What was read of it behind the agreement.
   */
  constructor(socket: Socket, agreement: Agreement, early?: Uint8Array) {
    super({ allowHalfOpen: socket.allowHalfOpen, readableHighWaterMark: 0x1_0000, writableHighWaterMark: 0x1_0000 });
    this.#socket = socket;
    this.#agreement = agreement;
    // Of itself it would end when the other side does, while frames are still being made.
    socket.allowHalfOpen = true;
    const { lifetimeMs } = agreement.info;
    if (lifetimeMs <= MAX_TIMER_MS) {
      this.#timer = setTimeout(() => this.destroy(expired()), lifetimeMs).unref();
    }
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.#closed());
    if (early !== undefined) this.#take(early);
    if (socket.readableEnded) this.#end();
    else socket.resume();
  }

  /** The connection below, for its addresses and its options. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Plain octets that were read. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Plain octets that were written. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** As of the connection below. */
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** As of the connection below. */
  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** As of the connection below. */
  get remoteFamily(): string | undefined {
    return this.#socket.remoteFamily;
  }

  /** As of the connection below. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** As of the connection below. */
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  /** As of the connection below. */
  get localFamily(): string | undefined {
    return this.#socket.localFamily;
  }

  /** Always false: there is a connection. */
  get connecting(): boolean {
    return false;
  }

  /** As of the connection below. */
  setNoDelay(noDelay?: boolean): this {
    this.#socket.setNoDelay(noDelay);
    return this;
  }

  /** As of the connection below. */
  setKeepAlive(enable?: boolean, initialDelayMs?: number): this {
    this.#socket.setKeepAlive(enable, initialDelayMs);
    return this;
  }

  /** As of the connection below: octets on the wire count. `timeout` is emitted here. */
  setTimeout(timeoutMs: number, callback?: () => void): this {
    if (callback !== undefined) this.once("timeout", callback);
    this.#socket.removeAllListeners("timeout");
    this.#socket.on("timeout", () => this.emit("timeout"));
    this.#socket.setTimeout(timeoutMs);
    return this;
  }

  /** As of the connection below. */
  address(): object {
    return this.#socket.address();
  }

  /** As of the connection below. */
  ref(): this {
    this.#socket.ref();
    return this;
  }

  /** As of the connection below. */
  unref(): this {
    this.#socket.unref();
    return this;
  }

  /** Ends the connection with a reset. */
  resetAndDestroy(): this {
    const socket = this.#socket;
    // While the system sends an end it refuses to reset (EINVAL), and Node's socket would never close. A Unix socket knows none.
    const isEnding = socket.writableEnded && !socket.writableFinished;
    if (!isEnding && socket.remoteFamily !== undefined) socket.resetAndDestroy();
    return this.destroy();
  }

  /** Ends the connection when everything that was written has been sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Of Node: more is wanted. */
  override _read(): void {
    this.#isFull = false;
    this.#unwrap();
  }

  /** Of Node: protects and sends. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // A copy: whoever wrote it may use its memory again once it is taken.
    this.#outgoing.push(new Uint8Array(chunk));
    this.#outgoingLength += chunk.length;
    this.#wrap();
    // What comes while others are being protected is protected with one call.
    if (this.#outgoingLength < MAX_WAITING_LENGTH) callback();
    else this.#whenTaken = callback;
  }

  /** Of Node: nothing more will be written. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#whenSent = () => {
      if (this.#socket.writableEnded || this.#socket.destroyed) return callback();
      // Not before all of it is sent: the end of both directions destroys the socket.
      return void this.#socket.end(() => callback());
    };
    this.#wrap();
  }

  /** Of Node: frees the context and the connection. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#outgoing = [];
    this.#agreement.context.dispose();
    this.#socket.destroy();
    callback(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.destroyed) return;
    for (const token of this.#splitter.push(chunk)) {
      this.#waiting.push(token);
      this.#waitingLength += token.length;
    }
    if (this.#waitingLength > MAX_WAITING_LENGTH) this.#socket.pause();
    this.#unwrap();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#unwrap();
  }

  #unwrap(): void {
    if (this.#isUnwrapping || this.#isFull || this.destroyed) return;
    if (this.#waiting.length === 0) {
      // What came before a fault was sound, and is delivered.
      if (this.#splitter.problem !== undefined) this.destroy(this.#splitter.problem);
      else if (this.#hasEnded) this.#finish();
      return;
    }
    const tokens = this.#waiting;
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#isUnwrapping = true;
    if (!this.#hasEnded) this.#socket.resume();
    this.#agreement.context.unwrap(tokens).then(
      ({ messages, error }) => {
        this.#isUnwrapping = false;
        if (this.destroyed) return;
        const problem = this.#deliver(messages) ?? error;
        if (problem !== undefined) return void this.destroy(problem);
        this.#unwrap();
      },
      (error: unknown) => this.destroy(error as Error),
    );
  }

  #deliver(messages: readonly GssapiMessage[]): Error | undefined {
    for (const unwrapped of messages) {
      const problem = problemOf(this.#agreement, unwrapped);
      if (problem !== undefined) return problem;
      const { message } = unwrapped;
      // Protected emptiness means nothing, and would end the stream.
      if (message.length === 0) continue;
      this.#bytesRead += message.length;
      if (!this.push(Buffer.from(message.buffer, message.byteOffset, message.length))) this.#isFull = true;
    }
    return undefined;
  }

  #finish(): void {
    this.#hasEnded = false;
    const { pendingLength } = this.#splitter;
    if (pendingLength > 0) this.destroy(truncated(pendingLength));
    else this.push(null);
  }

  #closed(): void {
    // After its end the connection is of no use, but what arrived before it is still to be read.
    const isSending = this.#isWrapping || this.#outgoing.length > 0;
    if (!this.#socket.readableEnded || isSending) this.destroy();
  }

  #wrap(): void {
    if (this.#isWrapping || this.destroyed) return;
    if (this.#outgoing.length === 0) return this.#whenSent?.();
    const messages = this.#cut(this.#outgoing);
    this.#outgoing = [];
    this.#outgoingLength = 0;
    this.#isWrapping = true;
    this.#whenTaken?.();
    this.#whenTaken = undefined;
    this.#agreement.context.wrap(messages, isConfidential(this.#agreement)).then(
      (tokens) => {
        if (this.destroyed) return;
        if (this.#socket.writableEnded || this.#socket.destroyed) return void this.destroy(ended());
        for (const message of messages) this.#bytesWritten += message.length;
        this.#writeFrames(tokens);
      },
      (error: unknown) => this.destroy(error as Error),
    );
  }

  /** Messages as long as they may be, whatever the pieces: each one costs a call, a token's overhead and a frame. */
  #cut(chunks: readonly Uint8Array[]): Uint8Array[] {
    const limit = messageLimit(this.#agreement);
    const all = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    const messages: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += limit) messages.push(all.subarray(at, at + limit));
    return messages;
  }

  #writeFrames(tokens: readonly Uint8Array[]): void {
    const socket = this.#socket;
    socket.cork();
    for (const token of tokens) {
      socket.write(encodeGssapiHeader({ mtyp: MTYP.encapsulatedUserData, length: token.length }));
      socket.write(token);
    }
    socket.uncork();
    // More is protected while the system takes what is ready, but not without end.
    const goOn = (): void => {
      this.#isWrapping = false;
      this.#wrap();
    };
    if (socket.writableNeedDrain) socket.once("drain", goOn);
    else goOn();
  }
}

import type { Socket } from "node:net";
import type { IpAddress } from "@sockskit/wire";
import { decodeIdentQuery } from "../codec/query.ts";
import { encodeIdentReply, IDENT_ERROR } from "../codec/reply.ts";
import type { Answerer } from "./answer.ts";

/** Queries on one connection; RFC 1413 section 2 allows several. */
const MAX_QUERY_COUNT = 100;
/** How long an asker may take to leave after its last answer. */
const LINGER_MS = 5_000;
/** The answer to a line that is no query: it names no ports that could be repeated. */
const NO_QUERY = encodeIdentReply({
  type: "error",
  portOnServer: 0,
  portOnClient: 0,
  errorType: IDENT_ERROR.invalidPort,
});

/** One connection of an asker, from accepting it to its end. */
export class Conversation {
  readonly #socket: Socket;
  readonly #local: IpAddress;
  readonly #remote: IpAddress;
  readonly #answerer: Answerer;
  readonly #idleTimeoutMs: number;
  #pending: Uint8Array = new Uint8Array(0);
  #timer: NodeJS.Timeout | undefined;
  #queryCount = 0;
  #isBusy = false;
  #hasEnded = false;
  #isLeaving = false;

  constructor(socket: Socket, local: IpAddress, remote: IpAddress, answerer: Answerer, idleTimeoutMs: number) {
    this.#socket = socket;
    this.#local = local;
    this.#remote = remote;
    this.#answerer = answerer;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Begins to read. */
  start(): void {
    this.#wait(this.#idleTimeoutMs);
    this.#socket
      .on("data", (chunk) => {
        if (this.#isLeaving) return;
        this.#pending = Buffer.concat([this.#pending, chunk]);
        void this.#run();
      })
      .on("end", () => {
        this.#hasEnded = true;
        void this.#run();
      })
      .on("error", () => this.stop())
      .on("close", () => clearTimeout(this.#timer));
  }

  /** Ends it at once. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isLeaving = true;
    this.#socket.destroy();
  }

  /** Answers one query after the other. While one is looked up nothing more is read. */
  async #run(): Promise<void> {
    if (this.#isBusy || this.#isLeaving) return;
    this.#isBusy = true;
    this.#socket.pause();
    while (await this.#answerNext());
    this.#isBusy = false;
    if (this.#isLeaving) return;
    if (this.#hasEnded) this.#leave();
    else this.#socket.resume();
  }

  /** Whether there was a query, and may be another. */
  async #answerNext(): Promise<boolean> {
    let query;
    try {
      query = decodeIdentQuery(this.#pending);
    } catch {
      this.#leave(NO_QUERY);
      return false;
    }
    if (query === undefined) return false;
    this.#pending = this.#pending.subarray(query.byteLength);
    const line = await this.#answerer.answer(query.value, this.#local, this.#remote);
    if (this.#isLeaving) return false;
    this.#queryCount += 1;
    if (this.#queryCount >= MAX_QUERY_COUNT) {
      this.#leave(line);
      return false;
    }
    this.#socket.write(line);
    this.#wait(this.#idleTimeoutMs);
    return true;
  }

  /** Says the last word. What still comes is dropped, so that no reset overtakes the answer. */
  #leave(line?: Uint8Array): void {
    this.#isLeaving = true;
    this.#pending = new Uint8Array(0);
    this.#wait(Math.min(LINGER_MS, this.#idleTimeoutMs));
    if (line === undefined) this.#socket.end();
    else this.#socket.end(line);
    this.#socket.resume();
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop(), ms).unref();
  }
}

import type { Socket } from "node:net";
import { AuthError } from "@sockskit/auth";
import { runsOver } from "../transport/reset.ts";

/** What is still read of a client that has its last answer, so that the answer is not lost to a reset. */
const MAX_DISCARDED_LENGTH = 0x40000;

/** What a session hears of its client's connection. */
export interface ClientEvents {
  readonly data: (chunk: Buffer) => void;
  readonly end: () => void;
  readonly error: (error: NodeJS.ErrnoException) => void;
  readonly close: () => void;
}

/** The connection of a session's client, or the layer that stands in for it. */
export class ClientConnection {
  /** Where octets come from and go to now. */
  socket: Socket;
  readonly #events: ClientEvents;
  #discarded = 0;

  constructor(socket: Socket, events: ClientEvents) {
    this.socket = socket;
    this.#events = events;
  }

  /** Begins to tell what happens. */
  listen(): void {
    const { data, end, error, close } = this.#events;
    this.socket.on("data", data).on("end", end).on("error", error).on("close", close);
  }

  /** Tells nothing any more: the socket belongs to somebody else. */
  release(): void {
    const { data, end, error, close } = this.#events;
    this.socket.off("data", data).off("end", end).off("error", error).off("close", close);
  }

  /**
   * Has a layer stand in for the socket. Until it does nothing is told, and nobody else may touch the socket.
   *
   * @param early What was read already and belongs to the layer.
   * @throws What `open` throws; AuthError when the connection has ended. Nothing is told any more then.
   */
  async replace(open: (bare: Socket) => Promise<Socket>, early: Uint8Array | undefined): Promise<void> {
    const bare = this.socket;
    this.release();
    bare.pause();
    if (early !== undefined) bare.unshift(early);
    this.socket = await open(bare);
    runsOver(this.socket, bare);
    if (this.socket.destroyed) {
      throw new AuthError("ERR_SOCKS_AUTH_PROTOCOL", "the connection ended meanwhile", { side: "remote" });
    }
    this.listen();
  }

  /** Takes what nobody wants any more. */
  discard(chunk: Uint8Array): void {
    this.#discarded += chunk.length;
    if (this.#discarded > MAX_DISCARDED_LENGTH) this.socket.pause();
  }
}

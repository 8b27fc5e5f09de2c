import type { Socket } from "node:net";

/** How a conversation ended when no octets came. */
export type Ending = "closed" | "silent";

/** Octets that are kept for recognising what the other end is. */
const MAX_HEARD_OCTETS = 4096;

/** One connection to a supposed proxy, read piece by piece, with one deadline for all of it. */
export class Conversation {
  /** The connection. */
  #socket: Socket;
  readonly #endsAt: number;
  #heard: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#endsAt = performance.now() + timeoutMs;
    this.#watch(socket);
  }

  /** The connection, or what was put over it last. */
  get socket(): Socket {
    return this.#socket;
  }

  /** The first octets that came. */
  get heard(): Uint8Array {
    return this.#heard;
  }

  /** Milliseconds that are left. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** Sends octets. */
  send(octets: Uint8Array): void {
    this.socket.write(octets);
  }

  /**
   * The octets that come next, or how it ended.
   *
   * @param patienceMs - How long to wait for them, where that is less than what is left.
   */
  read(patienceMs: number = Number.POSITIVE_INFINITY): Promise<Buffer | Ending> {
    const { socket } = this;
    return new Promise((resolve) => {
      const take = (): void => {
        const octets = socket.read() as Buffer | null;
        if (octets !== null) finish(octets);
        else if (this.#isOver) finish("closed");
      };
      const finish = (result: Buffer | Ending): void => {
        clearTimeout(timer);
        for (const event of ["readable", "end", "close"]) socket.removeListener(event, take);
        if (typeof result !== "string" && this.#heard.length < MAX_HEARD_OCTETS) {
          this.#heard = Buffer.concat([this.#heard, result]).subarray(0, MAX_HEARD_OCTETS);
        }
        resolve(result);
      };
      const timer = setTimeout(finish, Math.min(this.leftMs, patienceMs), "silent");
      for (const event of ["readable", "end", "close"]) socket.on(event, take);
      take();
    });
  }

  /**
   * Waits for something else than octets, as long as is left.
   *
   * @returns `"silent"` when it takes longer.
   */
  wait<T>(something: Promise<T>): Promise<T | "silent"> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, this.leftMs, "silent");
      something.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Goes on through a layer that was put over the connection. */
  goThrough(layer: Socket): void {
    this.#socket = layer;
    this.#isOver = layer.destroyed;
    this.#watch(layer);
  }

  /** Ends it at once. */
  close(): void {
    this.socket.destroy();
  }

  /** Also between two reads: an error is an ending, and told by the next read. */
  #watch(socket: Socket): void {
    const onEnd = (): void => {
      // What lies below a layer may end before the layer has given out everything.
      if (socket === this.#socket) this.#isOver = true;
    };
    socket.on("error", () => undefined);
    for (const event of ["end", "error", "close"]) socket.on(event, onEnd);
  }
}

import type { Socket } from "node:net";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import { resetSocket } from "../transport/reset.ts";
import { Direction } from "./direction.ts";
import type { Relay, Tunnel, TunnelEnd, TunnelOptions } from "./relay.ts";

/** The relay on Node's own sockets: runs wherever Node does. */
export const portableRelay: Relay = {
  name: "portable",
  start: (options) => new PortableTunnel(options),
};

class PortableTunnel implements Tunnel, LaneEntry {
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #idleMs: number;
  readonly #idleLane: TunnelOptions["idleLane"];
  readonly #onEnd: TunnelOptions["onEnd"];
  #open = 2;
  #end: TunnelEnd | undefined;

  constructor(options: TunnelOptions) {
    const { client, target, bucket, early } = options;
    this.#client = client;
    this.#target = target;
    this.#idleMs = options.idleMs;
    this.#idleLane = options.idleLane;
    this.#onEnd = options.onEnd;
    this.#up = new Direction(client, target, bucket);
    this.#down = new Direction(target, client, bucket);
    this.#watch(client, "client-reset");
    this.#watch(target, "target-reset");
    this.#idleLane.add(this);
    this.#up.start(early);
    this.#down.start(undefined);
  }

  get bytesIn(): number {
    return this.#up.bytes;
  }

  get bytesOut(): number {
    return this.#down.bytes;
  }

  abort(): void {
    this.#destroy({ reason: "server-closed" });
  }

  /** Asked by the idle lane: whether the tunnel may go on. */
  expired(nowMs: number): boolean {
    if (nowMs - Math.max(this.#up.activeAtMs, this.#down.activeAtMs) < this.#idleMs) return true;
    this.#destroy({ reason: "idle" });
    return false;
  }

  #watch(socket: Socket, reason: "client-reset" | "target-reset"): void {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#cut(socket, error.code === undefined ? { reason } : { reason, code: error.code });
    });
    socket.on("close", () => {
      // TLS connections can close with neither an end nor an error, when what they run over is cut off.
      if (!socket.readableEnded || !socket.writableFinished) this.#cut(socket, { reason });
      this.#open -= 1;
      if (this.#open === 0) this.#finish();
    });
  }

  /** One side is gone before its time. */
  #cut(socket: Socket, end: TunnelEnd): void {
    // What happens to one side then follows from what was done to it because of the other.
    if (this.#end !== undefined) return;
    this.#end = end;
    passResetOn(socket === this.#client ? this.#target : this.#client);
  }

  #destroy(end: TunnelEnd): void {
    this.#end ??= end;
    resetSocket(this.#client);
    resetSocket(this.#target);
  }

  #finish(): void {
    this.#up.stop();
    this.#down.stop();
    this.#idleLane.delete(this);
    this.#onEnd(this.#end ?? { reason: "finished" });
  }
}

/**
 * A reset goes on as a reset: a FIN would say that the data is complete. But a side that was given everything and
 * the FIN before may still read it; what it sends from now on the system answers with a reset.
 */
function passResetOn(socket: Socket): void {
  if (socket.writableEnded) socket.destroySoon();
  else resetSocket(socket);
}

import type { Socket } from "node:net";
import type { LaneEntry } from "../limits/deadline-lane.ts";
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
  #activeAtMs: number = performance.now();
  #open = 2;
  #end: TunnelEnd | undefined;

  constructor(options: TunnelOptions) {
    const { client, target, bucket, early } = options;
    this.#client = client;
    this.#target = target;
    this.#idleMs = options.idleMs;
    this.#idleLane = options.idleLane;
    this.#onEnd = options.onEnd;
    const active = (): void => {
      this.#activeAtMs = performance.now();
    };
    this.#up = new Direction(client, target, bucket, active);
    this.#down = new Direction(target, client, bucket, active);
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
    this.#abort({ reason: "server-closed" });
  }

  /** Asked by the idle lane: whether the tunnel may go on. */
  expired(nowMs: number): boolean {
    if (nowMs - this.#activeAtMs < this.#idleMs) return true;
    this.#abort({ reason: "idle" });
    return false;
  }

  #watch(socket: Socket, reason: "client-reset" | "target-reset"): void {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#abort(error.code === undefined ? { reason } : { reason, code: error.code });
    });
    socket.on("close", () => {
      this.#open -= 1;
      if (this.#open === 0) this.#finish();
    });
  }

  #abort(end: TunnelEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    abortSocket(this.#client);
    abortSocket(this.#target);
  }

  #finish(): void {
    this.#up.stop();
    this.#down.stop();
    this.#idleLane.delete(this);
    this.#onEnd(this.#end ?? { reason: "finished" });
  }
}

/**
 * Passes a reset on as a reset: a FIN would say that the data is complete. Who was sent everything and the FIN
 * already keeps that; the system answers with a reset what it still sends.
 */
function abortSocket(socket: Socket): void {
  if (socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

import { errorName } from "../kernel/error-name.ts";
import { LINUX } from "../kernel/layout.ts";
import { Direction, PUMP } from "./direction.ts";
import type { Endpoint, EndpointOwner } from "./endpoint.ts";
import { COUNTER, type LoopEnd } from "./host.ts";
import type { Loop } from "./loop.ts";

/** Silence after which the first keep-alive probe goes to a destination, in seconds. */
export const KEEP_ALIVE_DELAY_S = 60;

/** Two connected ends and what goes on between them. */
export class Tunnel implements EndpointOwner {
  readonly up: Direction = new Direction(COUNTER.bytesIn);
  readonly down: Direction;
  readonly client: Endpoint;
  readonly target: Endpoint;
  readonly #loop: Loop;
  readonly #onEnd: (end: LoopEnd) => void;
  #isQueued = false;
  #isOver = false;
  #isKeptAlive = false;

  /**
   * @param down What goes to the client; it may hold the end of the handshake.
   * @param onEnd Called once, when nothing more will be moved; both ends are still open then.
   */
  constructor(loop: Loop, client: Endpoint, target: Endpoint, down: Direction, onEnd: (end: LoopEnd) => void) {
    this.#loop = loop;
    this.client = client;
    this.target = target;
    this.down = down;
    this.#onEnd = onEnd;
    client.owner = target.owner = this;
    this.up.activeAtMs = loop.nowMs;
  }

  /** When something moved last. */
  get activeAtMs(): number {
    return Math.max(this.up.activeAtMs, this.down.activeAtMs);
  }

  /**
   * Has the system probe the target while it is silent; clients are probed from the beginning. Most tunnels are over before a
   * probe could be due, so this is left until then.
   */
  keepAlive(): void {
    if (this.#isKeptAlive) return;
    this.#isKeptAlive = true;
    const { kernel } = this.#loop;
    kernel.setOption(this.target.fd, LINUX.SOL_SOCKET, LINUX.SO_KEEPALIVE, 1);
    kernel.setOption(this.target.fd, LINUX.IPPROTO_TCP, LINUX.TCP_KEEPIDLE, KEEP_ALIVE_DELAY_S);
  }

  ready(endpoint: Endpoint): void {
    this.carry(endpoint === this.client);
  }

  /** Goes on after the others have had their turn. */
  goOn(): void {
    this.#isQueued = false;
    this.carry(true);
  }

  /** Moves what can be moved, what comes from the side that is ready first. */
  carry(clientFirst: boolean): void {
    if (this.#isOver) return;
    const first = this.#pump(clientFirst);
    const second = this.#isOver ? PUMP.finished : this.#pump(!clientFirst);
    if (this.#isOver) return;
    if (first === PUMP.finished && second === PUMP.finished) return this.#finish({ reason: "finished" });
    if (this.#wasReset()) return;
    if ((first === PUMP.more || second === PUMP.more) && !this.#isQueued) {
      this.#isQueued = true;
      this.#loop.enqueue(this);
    }
  }

  /** Ends it; both sides see a reset, because data may be lost. */
  abort(end: LoopEnd): void {
    const { kernel } = this.#loop;
    kernel.resetOnClose(this.client.fd);
    kernel.resetOnClose(this.target.fd);
    this.#finish(end);
  }

  /**
   * One side has reset its connection. The other one gets a reset as well, because a FIN would say that the data is
   * complete; but a side that was given everything and the FIN before may still read it.
   */
  reset(isClient: boolean, errno: number): void {
    const other = isClient ? this.target : this.client;
    const wasFinished = isClient ? this.up.finished : this.down.finished;
    if (!wasFinished) this.#loop.kernel.resetOnClose(other.fd);
    this.#finish({ reason: isClient ? "client-reset" : "target-reset", code: errorName(errno) });
  }

  #pump(isUp: boolean): number {
    const { client, target } = this;
    const direction = isUp ? this.up : this.down;
    const result = isUp ? direction.pump(client, target, this.#loop) : direction.pump(target, client, this.#loop);
    if (result === PUMP.senderFailed) this.reset(isUp, direction.errno);
    else if (result === PUMP.receiverFailed) this.reset(!isUp, direction.errno);
    return result;
  }

  /** A side that has ended before is read no more: that it resets its connection only the event says. */
  #wasReset(): boolean {
    const isClient = this.client.broken && this.up.ended;
    if (!isClient && !(this.target.broken && this.down.ended)) return false;
    const side = isClient ? this.client : this.target;
    side.broken = false;
    const error = this.#loop.kernel.socketError(side.fd);
    if (error === 0) return false;
    this.reset(isClient, -error);
    return true;
  }

  #finish(end: LoopEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(end);
  }
}

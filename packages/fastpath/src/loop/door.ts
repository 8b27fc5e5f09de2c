import { EPOLL, ERRNO } from "../kernel/layout.ts";
import { takeAddress } from "../kernel/socket-address.ts";
import type { Endpoint, EndpointOwner } from "./endpoint.ts";
import type { LoopEntrance } from "./host.ts";
import { LaneEntry } from "./lane.ts";
import type { Loop } from "./loop.ts";

/** Clients of one turn. The others stay in the system's queue, and the next turn has an event for them. */
const MAX_CLIENTS_PER_TURN = 32;
/** How long a listener rests when the system can give nothing more, in milliseconds. */
const REST_MS = 100;

/** Errors that last until something is given back. All others are about one client that has left already. */
const EXHAUSTED: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.ENOBUFS, ERRNO.ENOMEM];

/** A listening socket. */
export class Door extends LaneEntry implements EndpointOwner {
  readonly id: number;
  entrance: LoopEntrance;
  readonly #loop: Loop;
  readonly #fd: number;
  /** Absent while it rests, and when it is closed. */
  #endpoint: Endpoint | undefined;
  #isClosed = false;
  /** Given up for a moment when there are no descriptors left, so that a client can be told so by a reset. */
  #spare: number;

  constructor(loop: Loop, id: number, fd: number, entrance: LoopEntrance) {
    super();
    this.#loop = loop;
    this.#fd = fd;
    this.id = id;
    this.entrance = entrance;
    this.#spare = loop.kernel.epollCreate();
    this.#watch();
  }

  /** Clients wait. */
  ready(): void {
    const { kernel } = this.#loop;
    for (let taken = 0; taken < MAX_CLIENTS_PER_TURN; taken++) {
      const fd = kernel.accept(this.#fd);
      if (fd < 0) {
        if (this.#goesOnAfter(-fd)) continue;
        return;
      }
      const client = takeAddress(kernel.memory);
      if (client === undefined) kernel.close(fd);
      else this.#loop.accept(fd, client, this);
    }
  }

  /** It has rested. */
  override expired(): boolean {
    if (!this.#isClosed) this.#watch();
    return false;
  }

  /** Accepts nobody any more. */
  close(): void {
    this.#isClosed = true;
    this.lane?.delete(this);
    if (this.#endpoint === undefined) this.#loop.kernel.close(this.#fd);
    else this.#loop.close(this.#endpoint);
    this.#endpoint = undefined;
    if (this.#spare >= 0) this.#loop.kernel.close(this.#spare);
    this.#spare = -1;
  }

  #watch(): void {
    // Reported while clients wait, not only when one comes.
    const endpoint = this.#loop.watch(this.#fd, this, EPOLL.in);
    if (typeof endpoint === "number") this.#rest();
    else this.#endpoint = endpoint;
  }

  #rest(): void {
    if (this.#endpoint !== undefined) this.#loop.unwatch(this.#endpoint);
    this.#endpoint = undefined;
    this.#loop.schedule(this, REST_MS);
  }

  /** Whether there may be another client behind the error. */
  #goesOnAfter(errno: number): boolean {
    if (errno === ERRNO.EAGAIN) return false;
    if (!EXHAUSTED.includes(errno)) return true;
    this.#loop.host.acceptFailed(errno);
    if (this.#shedOne()) return true;
    this.#rest();
    return false;
  }

  /** Resets one client with the descriptor that was kept for it: a reset now is better than silence. */
  #shedOne(): boolean {
    const { kernel } = this.#loop;
    if (this.#spare >= 0) kernel.close(this.#spare);
    const fd = kernel.accept(this.#fd);
    if (fd >= 0) {
      kernel.resetOnClose(fd);
      kernel.close(fd);
    }
    this.#spare = kernel.epollCreate();
    return fd >= 0;
  }
}

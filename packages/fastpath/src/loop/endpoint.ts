import { EPOLL } from "../kernel/layout.ts";

/** Whoever owns a descriptor that the loop watches. */
export interface EndpointOwner {
  /** Its state has changed; what is new is noted on the endpoint already. */
  ready(endpoint: Endpoint): void;
}

/** Conditions after which a short read does not mean that everything was read: more or an end may lie behind it. */
const CAREFUL = EPOLL.rdhup | EPOLL.hup | EPOLL.err | EPOLL.pri;
const READABLE = EPOLL.in | CAREFUL;
const WRITABLE = EPOLL.out | EPOLL.hup | EPOLL.err;

/**
 * A watched descriptor, and what is known of it. Readiness comes in edges, so it is remembered until a call says EAGAIN.
 *
 * Endpoints are reused: `generation` tells an event of the past from one of the present.
 */
export class Endpoint {
  readonly index: number;
  generation = 0;
  fd = -1;
  owner: EndpointOwner | undefined;
  readable = false;
  writable = false;
  careful = false;
  /** An error is pending. */
  broken = false;

  constructor(index: number) {
    this.index = index;
  }

  /** Notes what an event says. */
  note(flags: number): void {
    if ((flags & READABLE) !== 0) this.readable = true;
    if ((flags & WRITABLE) !== 0) this.writable = true;
    if ((flags & CAREFUL) !== 0) this.careful = true;
    if ((flags & EPOLL.err) !== 0) this.broken = true;
  }
}

/** The endpoints of a loop, found by the number that each event carries. */
export class EndpointTable {
  readonly #all: Endpoint[] = [];
  readonly #free: Endpoint[] = [];

  /** How many are in use. */
  get size(): number {
    return this.#all.length - this.#free.length;
  }

  /** An endpoint for a descriptor. */
  take(fd: number, owner: EndpointOwner): Endpoint {
    let endpoint = this.#free.pop();
    if (endpoint === undefined) {
      endpoint = new Endpoint(this.#all.length);
      this.#all.push(endpoint);
    }
    endpoint.fd = fd;
    endpoint.owner = owner;
    endpoint.readable = endpoint.writable = endpoint.careful = endpoint.broken = false;
    return endpoint;
  }

  /** Gives an endpoint back; events that are still on their way for it are not its successor's. */
  release(endpoint: Endpoint): void {
    endpoint.fd = -1;
    endpoint.owner = undefined;
    endpoint.generation = (endpoint.generation + 1) | 0;
    this.#free.push(endpoint);
  }

  /** The endpoint that an event is for, unless it is not open any more. */
  find(index: number, generation: number): Endpoint | undefined {
    const endpoint = this.#all[index];
    return endpoint !== undefined && endpoint.generation === generation && endpoint.fd >= 0 ? endpoint : undefined;
  }
}

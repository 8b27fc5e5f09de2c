import { AddressRace, type AddressRaceEvent } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";
import { EPOLL, ERRNO, LINUX } from "../kernel/layout.ts";
import { putAddress } from "../kernel/socket-address.ts";
import { errorName } from "../kernel/error-name.ts";
import type { Endpoint, EndpointOwner } from "./endpoint.ts";
import { LaneEntry } from "./lane.ts";
import type { Loop } from "./loop.ts";

/** Pauses are rounded up to a multiple of this, so that they share lanes. */
const PAUSE_STEP_MS = 10;

/** What a {@link Dialer} tells its owner, once. */
export interface DialerOwner {
  /** A connection stands; its endpoint is the owner's now. */
  dialled(target: Endpoint, address: IpAddress): void;
  /** No address could be reached; the code is that of the first failure. */
  undialled(code: string): void;
}

interface Attempt {
  readonly id: number;
  readonly address: IpAddress;
  readonly endpoint: Endpoint;
}

/** Connects to the first of several addresses that answers, by RFC 8305. */
export class Dialer extends LaneEntry implements EndpointOwner {
  readonly #loop: Loop;
  readonly #owner: DialerOwner;
  readonly #attempts: Attempt[] = [];
  #race: AddressRace | undefined;
  #firstCode: string | undefined;
  #isOver = false;

  constructor(loop: Loop, owner: DialerOwner) {
    super();
    this.#loop = loop;
    this.#owner = owner;
  }

  /** Begins. */
  start(addresses: readonly IpAddress[]): void {
    const [only] = addresses;
    if (only !== undefined && addresses.length === 1) {
      const code = this.#open(0, only);
      if (code !== undefined) this.#exhausted(code);
      return;
    }
    this.#race = new AddressRace({ addresses });
    this.#perform(this.#race.start(this.#loop.nowMs));
  }

  /** Gives up; everything that was opened is closed. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.lane?.delete(this);
    for (const { endpoint } of this.#attempts.splice(0)) this.#loop.close(endpoint);
  }

  /** The next address has its turn. */
  override expired(nowMs: number): boolean {
    if (this.#race !== undefined) this.#perform(this.#race.tick(nowMs));
    return false;
  }

  /** A connection stands or has failed. */
  ready(endpoint: Endpoint): void {
    const attempt = this.#attempts.find((one) => one.endpoint === endpoint);
    if (attempt === undefined || !endpoint.writable) return;
    // An event without an error is a connection; one with an error may be that of a connection that was reset at once.
    const error = endpoint.broken ? this.#loop.kernel.socketError(endpoint.fd) : 0;
    if (error === 0) return this.#connected(attempt);
    const code = errorName(-error);
    this.#drop(attempt);
    this.#failed(attempt.id, code);
  }

  #connected(attempt: Attempt): void {
    const { id, endpoint, address } = attempt;
    this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
    if (this.#race !== undefined) this.#perform(this.#race.succeeded(id));
    this.stop();
    this.#owner.dialled(endpoint, address);
  }

  #failed(id: number, code: string): void {
    this.#firstCode ??= code;
    if (this.#race === undefined) return this.#exhausted(code);
    this.#perform(this.#race.failed(id, this.#loop.nowMs, new AttemptError(code)));
  }

  #perform(events: readonly AddressRaceEvent[]): void {
    for (const event of events) {
      if (this.#isOver) return;
      if (event.type === "attempt") {
        const code = this.#open(event.id, event.address);
        if (code !== undefined) return this.#failed(event.id, code);
      } else if (event.type === "cancel") {
        const attempt = this.#attempts.find((one) => one.id === event.id);
        if (attempt !== undefined) this.#drop(attempt);
      } else if (event.type === "exhausted") {
        return this.#exhausted(this.#firstCode ?? "ENOTFOUND");
      }
    }
    const pauseMs = this.#isOver ? undefined : this.#race?.nextTimeoutMs(this.#loop.nowMs);
    if (pauseMs !== undefined) this.#loop.schedule(this, Math.ceil(pauseMs / PAUSE_STEP_MS) * PAUSE_STEP_MS);
  }

  /** Begins to connect; gives the name of the error when that fails at once. */
  #open(id: number, address: IpAddress): string | undefined {
    const loop = this.#loop;
    const { kernel, settings } = loop;
    const version = address.type === "ipv4" ? 4 : 6;
    if (settings.family !== "auto" && settings.family !== version) return "EAFNOSUPPORT";
    const fd = kernel.socket(version === 4 ? LINUX.AF_INET : LINUX.AF_INET6);
    if (fd < 0) return errorName(-fd);
    kernel.setOption(fd, LINUX.IPPROTO_TCP, LINUX.TCP_NODELAY, 1);
    let result = 0;
    if (settings.localAddress !== undefined) {
      // The port is chosen when the other end is known: so the same one can serve several destinations.
      kernel.setOption(fd, LINUX.IPPROTO_IP, LINUX.IP_BIND_ADDRESS_NO_PORT, 1);
      result = kernel.bind(fd, putAddress(kernel.memory, settings.localAddress));
    }
    if (result === 0) result = kernel.connect(fd, putAddress(kernel.memory, address));
    // An interrupted one goes on as well.
    const isUnderWay = result === 0 || result === -ERRNO.EINPROGRESS || result === -ERRNO.EINTR;
    if (!isUnderWay) {
      kernel.close(fd);
      return errorName(-result);
    }
    const endpoint = loop.watch(fd, this);
    if (typeof endpoint === "number") {
      kernel.close(fd);
      return errorName(endpoint);
    }
    this.#attempts.push({ id, address, endpoint });
    return undefined;
  }

  #drop(attempt: Attempt): void {
    this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
    this.#loop.close(attempt.endpoint);
  }

  #exhausted(code: string): void {
    this.stop();
    this.#owner.undialled(code);
  }
}

/** What an attempt failed with; only the race sees it. */
class AttemptError extends Error {
  override readonly name = "AttemptError";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Conditions that a connection is watched for. */
export const CONNECTION_EVENTS: number = EPOLL.in | EPOLL.out | EPOLL.rdhup | EPOLL.pri | EPOLL.edge;

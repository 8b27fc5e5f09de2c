import type { IpAddress } from "@sockskit/wire";

import { HandshakeError } from "./errors.ts";
import { CandidateList } from "./internal/candidate-list.ts";

/** Pause between two attempts of an {@link AddressRace} when nothing else is said (RFC 8305 section 8). */
export const DEFAULT_ATTEMPT_DELAY_MS = 250;
/** Shortest pause between two attempts (RFC 8305 section 8). */
export const MIN_ATTEMPT_DELAY_MS = 10;
/** Longest pause between two attempts (RFC 8305 section 8). */
export const MAX_ATTEMPT_DELAY_MS = 2000;
/** Most addresses that one {@link AddressRace} tries; further ones are left out. */
export const MAX_RACE_ADDRESSES = 64;

/** What an {@link AddressRace} starts with. */
export interface AddressRaceOptions {
  /** Addresses to try, the preferred first; the order within a family is kept. Equal ones count once. */
  readonly addresses: readonly IpAddress[];
  /** Whether more may come through `addAddresses` until `resolutionDone` is called. Default false. */
  readonly resolving?: boolean | undefined;
  /** Pause between two attempts in milliseconds, 10 to 2000. Default 250. */
  readonly attemptDelayMs?: number | undefined;
  /** How many addresses of the first address's family are tried before the other family's turn, 1 or more. Default 1. */
  readonly firstFamilyCount?: number | undefined;
}

/** What an {@link AddressRace} tells its owner. */
export type AddressRaceEvent = RaceAttemptEvent | RaceCancelEvent | RaceWonEvent | RaceExhaustedEvent;

/** Start connecting; then call `succeeded(id)` or `failed(id, ...)`. */
export interface RaceAttemptEvent {
  /** Tag of the union. */
  readonly type: "attempt";
  /** Names the attempt: 0, 1, 2, ... in the order of their start. */
  readonly id: number;
  /** Where to connect. */
  readonly address: IpAddress;
}

/** Abandon an attempt, whatever became of it. */
export interface RaceCancelEvent {
  /** Tag of the union. */
  readonly type: "cancel";
  /** Names the attempt. */
  readonly id: number;
}

/** The race is over with a connection. */
export interface RaceWonEvent {
  /** Tag of the union. */
  readonly type: "won";
  /** Names the attempt. */
  readonly id: number;
  /** Where the connection goes. */
  readonly address: IpAddress;
}

/** The race is over without a connection. */
export interface RaceExhaustedEvent {
  /** Tag of the union. */
  readonly type: "exhausted";
  /** Every attempt's error, in the order in which they failed. Empty when there was no address. */
  readonly errors: readonly Error[];
}

const NO_EVENTS: readonly AddressRaceEvent[] = [];

/**
 * Happy Eyeballs, version 2 (RFC 8305 sections 4 and 5), without I/O and without a clock.
 *
 * Addresses are tried with the families taking turns, one every `attemptDelayMs`; a failure starts
 * the next at once; the first connection wins and the others are cancelled. Every attempt is won,
 * failed or cancelled exactly once. The owner brings the time (`nowMs`, any clock that does not go
 * back) and calls `tick` when `nextTimeoutMs` has passed.
 */
export class AddressRace {
  readonly #candidates: CandidateList;
  readonly #attemptDelayMs: number;
  readonly #running: Map<number, IpAddress> = new Map();
  readonly #errors: Error[] = [];
  #phase: "ready" | "racing" | "over" = "ready";
  #resolving: boolean;
  #nextId = 0;
  #nextAttemptAtMs = 0;

  /**
   * @param options - Addresses and pace.
   * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(options: AddressRaceOptions) {
    const { attemptDelayMs = DEFAULT_ATTEMPT_DELAY_MS, firstFamilyCount = 1 } = options;
    if (!(attemptDelayMs >= MIN_ATTEMPT_DELAY_MS && attemptDelayMs <= MAX_ATTEMPT_DELAY_MS)) {
      throw badOption(
        `attemptDelayMs is ${attemptDelayMs}, expected ${MIN_ATTEMPT_DELAY_MS} to ${MAX_ATTEMPT_DELAY_MS}`,
      );
    }
    if (!(firstFamilyCount >= 1)) throw badOption(`firstFamilyCount is ${firstFamilyCount}, expected 1 or more`);
    this.#attemptDelayMs = attemptDelayMs;
    this.#resolving = options.resolving === true;
    this.#candidates = new CandidateList(firstFamilyCount, MAX_RACE_ADDRESSES);
    this.#candidates.add(options.addresses);
  }

  /** Whether the race is over: won, exhausted or cancelled. */
  get over(): boolean {
    return this.#phase === "over";
  }

  /**
   * Starts the first attempt.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when called again.
   */
  start(nowMs: number): readonly AddressRaceEvent[] {
    if (this.#phase !== "ready") throw misuse("start() was called again, or after cancel()");
    this.#phase = "racing";
    this.#nextAttemptAtMs = nowMs;
    return this.#advance(nowMs);
  }

  /** Takes addresses that a slower look-up found. They take their turns with those not tried yet. */
  addAddresses(addresses: readonly IpAddress[], nowMs: number): readonly AddressRaceEvent[] {
    if (this.#phase === "over") return NO_EVENTS;
    this.#candidates.add(addresses);
    return this.#advance(nowMs);
  }

  /** Says that no more addresses will come. */
  resolutionDone(nowMs: number): readonly AddressRaceEvent[] {
    this.#resolving = false;
    return this.#advance(nowMs);
  }

  /** Starts the next attempt if its time has come. May be called at any time. */
  tick(nowMs: number): readonly AddressRaceEvent[] {
    return this.#advance(nowMs);
  }

  /**
   * Says that an attempt failed: the next one starts at once. Nothing happens when it was cancelled.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when there is no such attempt or it failed before.
   */
  failed(id: number, nowMs: number, error: Error): readonly AddressRaceEvent[] {
    if (this.#take(id) === undefined) return NO_EVENTS;
    this.#errors.push(error);
    this.#nextAttemptAtMs = nowMs;
    return this.#advance(nowMs);
  }

  /**
   * Says that an attempt has its connection: it wins. Nothing happens when it was cancelled.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when there is no such attempt or it failed before.
   */
  succeeded(id: number): readonly AddressRaceEvent[] {
    const address = this.#take(id);
    return address === undefined ? NO_EVENTS : this.#finish({ type: "won", id, address });
  }

  /** Gives up: cancels what runs. */
  cancel(): readonly AddressRaceEvent[] {
    return this.#phase === "over" ? NO_EVENTS : this.#finish(undefined);
  }

  /** Milliseconds until `tick` is due; `undefined` while no attempt waits for its time. */
  nextTimeoutMs(nowMs: number): number | undefined {
    if (this.#phase !== "racing" || this.#candidates.empty) return undefined;
    return Math.max(0, this.#nextAttemptAtMs - nowMs);
  }

  #advance(nowMs: number): readonly AddressRaceEvent[] {
    if (this.#phase !== "racing") return NO_EVENTS;
    if (nowMs >= this.#nextAttemptAtMs) {
      const address = this.#candidates.take();
      if (address !== undefined) {
        const id = this.#nextId++;
        this.#running.set(id, address);
        this.#nextAttemptAtMs = nowMs + this.#attemptDelayMs;
        return [{ type: "attempt", id, address }];
      }
    }
    const idle = this.#running.size === 0 && this.#candidates.empty && !this.#resolving;
    return idle ? this.#finish({ type: "exhausted", errors: this.#errors }) : NO_EVENTS;
  }

  #finish(result: RaceWonEvent | RaceExhaustedEvent | undefined): readonly AddressRaceEvent[] {
    this.#phase = "over";
    const events: AddressRaceEvent[] = result === undefined ? [] : [result];
    for (const id of this.#running.keys()) events.push({ type: "cancel", id });
    this.#running.clear();
    return events;
  }

  /** Takes a running attempt out; `undefined` when it was cancelled. */
  #take(id: number): IpAddress | undefined {
    const address = this.#running.get(id);
    if (address !== undefined) this.#running.delete(id);
    else if (this.#phase !== "over" || !(id >= 0 && id < this.#nextId)) {
      throw misuse(`no attempt with id ${id} is running`);
    }
    return address;
  }
}

/**
 * Sorts addresses for trying: the families take turns, and within a family the order is kept
 * (RFC 8305 section 4).
 *
 * @param addresses - The preferred first, as RFC 6724 sorts them.
 * @param firstFamilyCount - How many of the first address's family come first. Default 1.
 */
export function sortAddresses(addresses: readonly IpAddress[], firstFamilyCount = 1): IpAddress[] {
  const candidates = new CandidateList(firstFamilyCount, addresses.length);
  candidates.add(addresses);
  const sorted: IpAddress[] = [];
  for (let next = candidates.take(); next !== undefined; next = candidates.take()) sorted.push(next);
  return sorted;
}

function badOption(message: string): HandshakeError {
  return new HandshakeError("ERR_SOCKS_BAD_OPTION", message, { side: "local", stage: "request" });
}

function misuse(message: string): HandshakeError {
  return new HandshakeError("ERR_SOCKS_STATE", message, { side: "local", stage: "request" });
}

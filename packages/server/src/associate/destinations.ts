import { addressFields, type Address, encodeUdpDatagram, type IpAddress } from "@sockskit/wire";
import type { Verdict } from "./gate.ts";

/** Destinations that one association remembers; the one that was not used for longest is forgotten first. */
export const MAX_DESTINATIONS = 1024;

const NO_DATA = new Uint8Array(0);

/** An address that the client has written to, or a name that is passed on to an upstream. */
export class Destination {
  /** What the client called it. */
  readonly asked: Address;
  /** `undefined` for a name that is passed on: nobody here knows. */
  readonly address: IpAddress | undefined;
  /** What stands before its answers; nothing for a name that is passed on. */
  readonly header: Uint8Array;
  verdict: Verdict;
  /** Whether it was used since the last search for one to forget. */
  isRecent = true;

  constructor(asked: Address, address: IpAddress | undefined, verdict: Verdict) {
    this.asked = asked;
    this.address = address;
    this.header = address === undefined ? NO_DATA : headerFor(address);
    this.verdict = verdict;
  }
}

/** What stands before the data of an answer: who sent it (RFC 1928 section 7). */
export function headerFor(source: Address): Uint8Array {
  const { atyp, addr } = addressFields(source);
  return encodeUdpDatagram({ frag: 0x00, atyp, dstAddr: addr, dstPort: source.port, data: NO_DATA });
}

/** The destinations of an association: by what the client calls them, and by where answers come from. */
export class Destinations {
  readonly #byName = new Map<string, Destination>();
  readonly #byAddress = new Map<string, Destination>();
  readonly #wasUsedElsewhere: (destination: Destination) => boolean;
  /** Names that are passed on, by their ports: the last that was written to. */
  readonly #passedOn = new Map<number, Destination>();

  /** @param wasUsedElsewhere Whether one was used in a way that `isRecent` does not tell of, since this was asked last. */
  constructor(wasUsedElsewhere: (destination: Destination) => boolean = () => false) {
    this.#wasUsedElsewhere = wasUsedElsewhere;
  }

  /** The one that the client calls so. */
  named(key: string): Destination | undefined {
    const destination = this.#byName.get(key);
    // Two names of one address: the answers belong to the last that was written to.
    if (destination !== undefined) this.#expectAnswers(destination);
    return destination;
  }

  /** The one at an address, as the system writes it. */
  at(host: string, port: number): Destination | undefined {
    return this.#byAddress.get(`${host} ${port}`);
  }

  /** The name that was passed on, and that somebody at this port may answer for: only the upstream knows its address. */
  passedOn(port: number): Destination | undefined {
    return this.#passedOn.get(port);
  }

  /** Forgets one that the client calls so. */
  forget(key: string): void {
    const destination = this.#byName.get(key);
    this.#byName.delete(key);
    if (destination !== undefined) this.#expectNothing(destination);
  }

  #expectAnswers(destination: Destination): void {
    const { asked, address } = destination;
    if (address === undefined) this.#passedOn.set(asked.port, destination);
    else this.#byAddress.set(addressKey(address), destination);
  }

  #expectNothing(destination: Destination): void {
    const { asked, address } = destination;
    if (address === undefined) {
      if (this.#passedOn.get(asked.port) === destination) this.#passedOn.delete(asked.port);
      return;
    }
    const place = addressKey(address);
    if (this.#byAddress.get(place) === destination) this.#byAddress.delete(place);
  }

  /** Remembers one; returns the one that is forgotten for it, if any. */
  add(key: string, destination: Destination): Destination | undefined {
    const forgotten = this.#byName.size >= MAX_DESTINATIONS ? this.#forgetOne() : undefined;
    this.#byName.set(key, destination);
    this.#expectAnswers(destination);
    return forgotten;
  }

  /** The oldest that was not used since it was looked at last. */
  #forgetOne(): Destination | undefined {
    for (const [key, destination] of this.#byName) {
      this.#byName.delete(key);
      if (this.#wasUsedElsewhere(destination) || destination.isRecent) {
        destination.isRecent = false;
        this.#byName.set(key, destination);
        continue;
      }
      this.#expectNothing(destination);
      return destination;
    }
    return undefined;
  }
}

function addressKey({ host, port }: IpAddress): string {
  return `${host} ${port}`;
}

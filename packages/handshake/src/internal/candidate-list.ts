import { type IpAddress, formatAddress } from "@sockskit/wire";

type Family = IpAddress["type"];

/**
 * Addresses not tried yet, in the order of RFC 8305 section 4: some of the first address's family,
 * then the families in turn. Choosing when an address is taken, and not before, gives late addresses
 * their turn.
 */
export class CandidateList {
  readonly #firstFamilyCount: number;
  readonly #limit: number;
  readonly #waiting: Readonly<Record<Family, IpAddress[]>> = { ipv4: [], ipv6: [] };
  readonly #known: Set<string> = new Set();
  #first: Family | undefined;
  #last: Family | undefined;
  #takenOfFirst = 0;

  constructor(firstFamilyCount: number, limit: number) {
    this.#firstFamilyCount = firstFamilyCount;
    this.#limit = limit;
  }

  get empty(): boolean {
    return this.#waiting.ipv4.length === 0 && this.#waiting.ipv6.length === 0;
  }

  add(addresses: readonly IpAddress[]): void {
    for (const address of addresses) {
      const text = formatAddress(address);
      if (this.#known.size >= this.#limit || this.#known.has(text)) continue;
      this.#known.add(text);
      this.#first ??= address.type;
      this.#waiting[address.type].push(address);
    }
  }

  take(): IpAddress | undefined {
    const family = this.#nextFamily();
    if (family === undefined) return undefined;
    const address = this.#waiting[family].shift() ?? this.#waiting[other(family)].shift();
    if (address === undefined) return undefined;
    this.#last = address.type;
    if (address.type === this.#first) this.#takenOfFirst++;
    return address;
  }

  #nextFamily(): Family | undefined {
    if (this.#first === undefined || this.#takenOfFirst < this.#firstFamilyCount) return this.#first;
    return this.#last === undefined ? this.#first : other(this.#last);
  }
}

function other(family: Family): Family {
  return family === "ipv4" ? "ipv6" : "ipv4";
}

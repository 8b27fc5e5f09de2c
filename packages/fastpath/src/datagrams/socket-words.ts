import { type IpAddress, ipv4Address, ipv6Address } from "@sockskit/wire";
import { ADDRESS_WORDS, LINUX } from "../kernel/layout.ts";

/** A `sockaddr_in` or `sockaddr_in6` as words of 4 octets: so they are compared and copied without a view. */
export interface SocketWords {
  readonly words: Int32Array;
  readonly type: IpAddress["type"];
  /** Length of the struct, in octets. */
  readonly length: number;
}

const LENGTH = { ipv4: 16, ipv6: 28 } as const;
const OFFSET = { ipv4: 4, ipv6: 8 } as const;

/** Makes the words of an address. */
export function socketWords(address: IpAddress): SocketWords {
  const octets = new Uint8Array(ADDRESS_WORDS * 4);
  octets[0] = address.type === "ipv4" ? LINUX.AF_INET : LINUX.AF_INET6;
  octets[2] = address.port >> 8;
  octets[3] = address.port & 0xff;
  octets.set(address.octets, OFFSET[address.type]);
  return { words: new Int32Array(octets.buffer), type: address.type, length: LENGTH[address.type] };
}

/** The address that words at a position stand for. */
export function addressAt(words: Int32Array, at: number): IpAddress {
  const octets = new Uint8Array(words.buffer, words.byteOffset + at * 4, ADDRESS_WORDS * 4);
  const port = ((octets[2] as number) << 8) | (octets[3] as number);
  if (octets[0] === LINUX.AF_INET) return ipv4Address(octets.slice(4, 8), port);
  return ipv6Address(octets.slice(8, 24), port);
}

/** Whether words at a position stand for this address and port. What else is in the struct does not matter. */
export function isAddressAt(words: Int32Array, at: number, address: Int32Array): boolean {
  if (words[at] !== address[0]) return false;
  if (((words[at] as number) & 0xff) === LINUX.AF_INET) return words[at + 1] === address[1];
  return (
    words[at + 2] === address[2] &&
    words[at + 3] === address[3] &&
    words[at + 4] === address[4] &&
    words[at + 5] === address[5]
  );
}

/** A number from an address and port, the same for the same ones. */
export function hashOf(words: Int32Array, at: number, seed: number): number {
  let hash = Math.imul(seed ^ (words[at] as number), 0x9e37_79b1);
  if (((words[at] as number) & 0xff) === LINUX.AF_INET) hash = mix(hash, words[at + 1] as number);
  else for (let index = 2; index < 6; index++) hash = mix(hash, words[at + index] as number);
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85eb_ca6b);
  return mixed ^ (mixed >>> 15);
}

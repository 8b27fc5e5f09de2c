import { concat } from "@sockskit/testing";
import type { Random } from "./random.ts";

const LONGEST_INPUT = 2048;

/** Octets that mean something in some field: versions, commands, address types, lengths, ends of text. */
const TELLING: readonly number[] = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x5a, 0x5b, 0x7f, 0x80, 0xfe, 0xff];

/** A new input: one of the corpus after some changes, or octets without any plan. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  if (random.below(20) === 0) return noise(random.below(64), random);
  let bytes = random.of(corpus);
  for (let left = random.below(6); left > 0; left -= 1) bytes = change(bytes, corpus, random);
  return bytes.slice(0, LONGEST_INPUT);
}

/** The octets in pieces of one to nine octets. */
export function cut(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = start + 1 + random.below(9);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function change(bytes: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const end = at + random.below(8);
  const head = bytes.subarray(0, at);
  switch (random.below(8)) {
    case 0: // other octet
      return concat(head, Uint8Array.of(random.of(TELLING)), bytes.subarray(at + 1));
    case 1: // other bit
      return bytes.map((octet, index) => (index === at ? octet ^ (1 << random.below(8)) : octet));
    case 2: // more
      return concat(head, noise(random.below(4), random), bytes.subarray(at));
    case 3: // less
      return concat(head, bytes.subarray(end));
    case 4: // too short
      return head;
    case 5: // twice
      return concat(head, bytes.subarray(at, end), bytes.subarray(at));
    case 6: // the end of another
      return concat(head, random.of(corpus).subarray(at));
    default: // long: what has no length octet must have a bound
      return concat(head, new Uint8Array(random.below(600)).fill(random.of(TELLING)), bytes.subarray(at));
  }
}

function noise(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

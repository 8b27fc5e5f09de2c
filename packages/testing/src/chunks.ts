import * as fc from "fast-check";

/** Every way to cut octets into two pieces, the empty ones at both ends included. */
export function* everySplit(bytes: Uint8Array): Generator<readonly [Uint8Array, Uint8Array]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
}

/** The octets one at a time. */
export function singleOctets(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from(bytes, (octet) => Uint8Array.of(octet));
}

/**
 * For fast-check: the same octets cut into pieces at any places. Two cuts at one place give an
 * empty piece, as a stream may.
 */
export function arbitraryChunks(bytes: Uint8Array): fc.Arbitrary<readonly Uint8Array[]> {
  return fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return places.slice(1).map((end, index) => bytes.slice(places[index], end));
  });
}

/** For fast-check: octets, by default up to 600, which is more than any SOCKS handshake message has. */
export function arbitraryOctets(options: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: options.minLength ?? 0, maxLength: options.maxLength ?? 600 });
}

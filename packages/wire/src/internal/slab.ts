// Memory for many arrays of a middle size. An array with memory of its own costs V8 half a
// microsecond and more: the memory is zeroed, counted and freed one by one.

/** Octets that are set aside at once. An array that is kept keeps all of them. */
const SLAB_LENGTH = 0x8000;
/** Shorter ones V8 keeps on its own heap, which costs less than a view. */
const VIEW_FROM = 65;
/** Longer ones have memory of their own, so that little of a slab is left over. */
const VIEW_TO = SLAB_LENGTH >>> 4;

let slab: ArrayBuffer | undefined;
let used = SLAB_LENGTH;

/** An array of `length` zeros that nobody else has; up to {@link VIEW_TO} its buffer may be shared. */
export function freshOctets(length: number): Uint8Array {
  if (length < VIEW_FROM || length > VIEW_TO) return new Uint8Array(length);
  // A slab that somebody transferred all the same is empty.
  if (slab === undefined || used + length > SLAB_LENGTH || slab.byteLength === 0) {
    slab = new ArrayBuffer(SLAB_LENGTH);
    used = 0;
  }
  const octets = new Uint8Array(slab, used, length);
  // The next one begins at a word.
  used += (length + 7) & ~7;
  return octets;
}

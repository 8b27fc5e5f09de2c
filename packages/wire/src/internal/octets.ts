import { WireError } from "../errors.ts";

/** Every empty field is this one: V8 takes ten times as long to make an empty array as a short one. */
const NO_OCTETS: Uint8Array = new Uint8Array(0);

/**
 * A copy of `bytes[start..end)`.
 *
 * Not `bytes.slice()`: the `slice` of Node's `Buffer`, which is a `Uint8Array`, shares memory.
 */
export function copyOctets(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return NO_OCTETS;
  const copy = new Uint8Array(end - start);
  for (let i = start; i < end; i++) copy[i - start] = bytes[i] as number;
  return copy;
}

/** Writes all of `octets` at `offset`; returns the offset after them. */
export function putOctets(target: Uint8Array, offset: number, octets: Uint8Array): number {
  const length = octets.length;
  for (let i = 0; i < length; i++) target[offset + i] = octets[i] as number;
  return offset + length;
}

/** Throws unless `value` is a whole number from 0 to 255. */
export function checkOctet(value: number, field: string): void {
  if ((value & 0xff) !== value) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `${field} is ${String(value)}; expected a whole number from 0 to 255`, {
      side: "local",
    });
  }
}

/** Throws unless `value` is an array of octets with `min` to `max` elements. */
export function checkOctets(value: Uint8Array, field: string, min: number, max: number): void {
  // Asks for the element size instead of `instanceof`, which fails for arrays of another realm.
  if ((value as Uint8Array | undefined)?.BYTES_PER_ELEMENT !== 1) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `${field} is not a Uint8Array`, { side: "local" });
  }
  if (value.length > max) {
    throw new WireError("ERR_SOCKS_OVERFLOW", `${field} has ${value.length} octets; at most ${max} fit`, {
      side: "local",
    });
  }
  if (value.length < min) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `${field} has ${value.length} octets; expected at least ${min}`, {
      side: "local",
    });
  }
}

/** Throws unless `value` is a whole number from 0 to 65535. */
export function checkPort(value: number, field: string): void {
  if ((value & 0xffff) !== value) {
    throw new WireError("ERR_SOCKS_BAD_PORT", `${field} is ${String(value)}; expected a whole number from 0 to 65535`, {
      side: "local",
    });
  }
}

// The structures of the library, on machines with 64 bits and little-endian order.
import type { Native, Pointer } from "./native.ts";

const POINTER_LENGTH = 8;
/** `gss_buffer_desc` and `gss_OID_desc`: a length, padded to 8 octets, and a pointer. */
const DESCRIPTOR_LENGTH = 16;

/**
 * Memory that is handed to the library by its address, which V8 does not see: whoever makes a descriptor keeps this
 * alive until the call is over.
 */
export type Kept = Uint8Array[];

/** Room for a pointer, or for a status, that the library writes. */
export function cell(value: Pointer = 0n): Buffer {
  const memory = Buffer.alloc(POINTER_LENGTH);
  memory.writeBigUInt64LE(value);
  return memory;
}

/** The pointer that a cell holds. */
export function pointerIn(memory: Buffer): Pointer {
  return memory.readBigUInt64LE();
}

/** The number of 32 bits that a cell holds. */
export function numberIn(memory: Buffer): number {
  return memory.readUInt32LE();
}

/** A descriptor that the library fills in. */
export function emptyDescriptor(): Buffer {
  return Buffer.alloc(DESCRIPTOR_LENGTH);
}

/** A descriptor of octets of ours: `gss_buffer_desc`, and with a short length `gss_OID_desc` as well. */
export function descriptorOf(native: Native, octets: Uint8Array, keep: Kept): Buffer {
  const descriptor = Buffer.alloc(DESCRIPTOR_LENGTH);
  descriptor.writeBigUInt64LE(BigInt(octets.length), 0);
  descriptor.writeBigUInt64LE(octets.length === 0 ? 0n : native.addressOf(octets), 8);
  keep.push(octets, descriptor);
  return descriptor;
}

/** A set with one object identifier. */
export function setOf(native: Native, oid: Buffer, keep: Kept): Buffer {
  const set = Buffer.alloc(DESCRIPTOR_LENGTH);
  set.writeBigUInt64LE(1n, 0);
  set.writeBigUInt64LE(native.addressOf(oid), 8);
  keep.push(oid, set);
  return set;
}

/** Where credentials are, as keys and values: `gss_key_value_set_desc`. */
export function storeOf(native: Native, entries: Readonly<Record<string, string>>, keep: Kept): Buffer {
  const list = Object.entries(entries);
  const elements = Buffer.alloc(list.length * 2 * POINTER_LENGTH);
  for (const [index, pair] of list.entries()) {
    for (const [part, text] of pair.entries()) {
      const memory = cString(text);
      keep.push(memory);
      elements.writeBigUInt64LE(native.addressOf(memory), (index * 2 + part) * POINTER_LENGTH);
    }
  }
  const store = Buffer.alloc(DESCRIPTOR_LENGTH);
  store.writeUInt32LE(list.length, 0);
  store.writeBigUInt64LE(native.addressOf(elements), 8);
  keep.push(elements, store);
  return store;
}

/** Text as C has it. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}

/** Octets behind a descriptor that the library filled in: how many, and where. */
export function contentOf(descriptor: Buffer): { readonly length: number; readonly address: Pointer } {
  return { length: Number(descriptor.readBigUInt64LE(0)), address: descriptor.readBigUInt64LE(8) };
}

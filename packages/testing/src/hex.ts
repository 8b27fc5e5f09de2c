import assert from "node:assert/strict";

/** Octets from hexadecimal text: pairs of digits, with white space between them as the reader likes. */
export function octets(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s+/g, "");
  assert.match(digits, /^(?:[0-9a-fA-F]{2})*$/, `not hexadecimal: ${hex}`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Hexadecimal text of octets, `05 01 00`. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("hex")
    .replaceAll(/..(?!$)/g, "$& ");
}

/** One array with the octets of several. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

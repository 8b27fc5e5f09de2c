// The type-length-value list of PROXY protocol version 2, section 2.2.

import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkOctets, copyOctets, putOctets } from "../internal/octets.ts";

/**
 * Something that the sender of a {@link ProxyHeader} adds, PROXY protocol section 2.2.
 *
 * | TYPE | LENGTH | VALUE  |
 * |------|--------|--------|
 * | 1    | 2      | LENGTH |
 */
export interface ProxyTlv {
  /** `TYPE`; any octet, see {@link PROXY_TLV} for the assigned ones. A reader ignores those it does not know. */
  readonly type: number;
  /** `VALUE`, without its length. */
  readonly value: Uint8Array;
}

/** Visits the TLVs in `bytes[start..end)` as far as they have arrived. Throws for one that runs over `end`. */
export function scanTlvs(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, valueStart: number, valueEnd: number) => void,
): void {
  let at = start;
  while (at < end) {
    if (at + 3 > end) throw runsOver(`${end - at} octets are left, which is no TLV`);
    if (at + 3 > bytes.length) return;
    const type = bytes[at] as number;
    const valueEnd = at + 3 + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number));
    if (valueEnd > end) throw runsOver(`TLV ${hexOctet(type)} runs over the end of the header`);
    if (valueEnd > bytes.length) return;
    visit(type, at + 3, valueEnd);
    at = valueEnd;
  }
}

/** The TLVs in `bytes[start..end)`, all of which have arrived. */
export function decodeTlvs(bytes: Uint8Array, start: number, end: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  scanTlvs(bytes, start, end, (type, valueStart, valueEnd) => {
    tlvs.push({ type, value: copyOctets(bytes, valueStart, valueEnd) });
  });
  return tlvs;
}

/** Octets that the TLVs take. Throws for what is none. */
export function tlvsLength(tlvs: readonly ProxyTlv[]): number {
  let length = 0;
  for (const { type, value } of tlvs) {
    checkOctet(type, "type of a TLV");
    checkOctets(value, `value of TLV ${hexOctet(type)}`, 0, 0xffff);
    length += 3 + value.length;
  }
  return length;
}

/** Writes checked TLVs at `offset`. */
export function putTlvs(target: Uint8Array, offset: number, tlvs: readonly ProxyTlv[]): void {
  let at = offset;
  for (const { type, value } of tlvs) {
    target[at] = type;
    target[at + 1] = value.length >>> 8;
    target[at + 2] = value.length & 0xff;
    at = putOctets(target, at + 3, value);
  }
}

function runsOver(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", message, { side: "remote" });
}

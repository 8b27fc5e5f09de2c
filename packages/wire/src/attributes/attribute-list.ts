import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkOctets, copyOctets, putOctets } from "../internal/octets.ts";
import { ATT, ATTRIBUTE_LIST_VERSION } from "./code-points.ts";

/**
 * Longest {@link AttributeList} that is sent, and taken unless told otherwise: 15 of the longest
 * attributes, where the drafts know eight. The format itself would allow 65537 octets.
 */
export const MAX_ATTRIBUTE_LIST_LENGTH = 0x1000;

/** One attribute and its value. */
export interface Attribute {
  /** `ATT`; any octet, see {@link ATT} for the assigned ones. A reader skips those it does not know. */
  readonly att: number;
  /** `VAL`, 0 to 255 octets, without its length octet. */
  readonly val: Uint8Array;
}

/**
 * The one message of CHAP and CRAM, in both directions: a list of attributes in any order,
 * draft-ietf-aft-socks-chap-01 and draft-ietf-aft-socks-cram-00.
 *
 * | VER | NAVAS    | ATT1 | VAL1LEN | VAL1     | ATT2 | ... |
 * |-----|----------|------|---------|----------|------|-----|
 * | 01  | 1 to 255 | 1    | 1       | 0 to 255 | 1    |     |
 *
 * An attribute occurs once; only `TEXT-MESSAGE` may be repeated. The drafts do not say so, but two
 * values of one attribute would leave open which one counts.
 */
export interface AttributeList {
  /** The attributes, 1 to 255, in the order of the message. */
  readonly attributes: readonly Attribute[];
}

/** Limit of {@link decodeAttributeList}. */
export interface AttributeListLimits {
  /** Most octets of the message. Default: 4096. */
  readonly maxLength?: number;
}

/**
 * Decodes an {@link AttributeList} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_FIELD` (no attribute at all, or one twice),
 *   `ERR_SOCKS_OVERFLOW` (as soon as the message cannot end within the limit).
 */
export function decodeAttributeList(
  bytes: Uint8Array,
  offset = 0,
  limits?: AttributeListLimits,
): Decoded<AttributeList> | undefined {
  if (bytes.length <= offset) return undefined;
  if (bytes[offset] !== ATTRIBUTE_LIST_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `attributes begin with ${hexOctet(bytes[offset] as number)}; expected 0x01`,
      {
        side: "remote",
      },
    );
  }
  const count = bytes[offset + 1];
  if (count === undefined) return undefined;
  if (count === 0x00) throw badList("the message has no attributes; expected at least one");
  const end = findEnd(bytes, offset, count, limits?.maxLength ?? MAX_ATTRIBUTE_LIST_LENGTH);
  if (end < 0) return undefined;
  const attributes: Attribute[] = [];
  for (let at = offset + 2; at < end;) {
    const valEnd = at + 2 + (bytes[at + 1] as number);
    attributes.push({ att: bytes[at] as number, val: copyOctets(bytes, at + 2, valEnd) });
    at = valEnd;
  }
  return { value: { attributes }, byteLength: end - offset };
}

/**
 * Encodes an {@link AttributeList}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (no attribute, more than 255, one twice, a number outside an octet),
 *   `ERR_SOCKS_OVERFLOW` (a value of more than 255 octets, a message of more than 4096).
 */
export function encodeAttributeList(value: AttributeList): Uint8Array {
  const { attributes } = value;
  let length = 2;
  const seen = new Set<number>();
  for (const { att, val } of attributes) {
    checkOctet(att, "ATT");
    checkOctets(val, `value of attribute ${hexOctet(att)}`, 0, 255);
    if (seen.has(att) && att !== ATT.textMessage) {
      throw new WireError("ERR_SOCKS_BAD_FIELD", twice(att), { side: "local" });
    }
    seen.add(att);
    length += 2 + val.length;
  }
  if (attributes.length === 0 || attributes.length > 255) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `the message has ${attributes.length} attributes; expected 1 to 255`, {
      side: "local",
    });
  }
  if (length > MAX_ATTRIBUTE_LIST_LENGTH) {
    throw new WireError(
      "ERR_SOCKS_OVERFLOW",
      `the attributes take ${length} octets; at most ${MAX_ATTRIBUTE_LIST_LENGTH} fit`,
      { side: "local" },
    );
  }
  const bytes = new Uint8Array(length);
  bytes[0] = ATTRIBUTE_LIST_VERSION;
  bytes[1] = attributes.length;
  let at = 2;
  for (const { att, val } of attributes) {
    bytes[at] = att;
    bytes[at + 1] = val.length;
    at = putOctets(bytes, at + 2, val);
  }
  return bytes;
}

/** Index after the last attribute, or -1 while it is not there. Throws for what can never be a list. */
function findEnd(bytes: Uint8Array, offset: number, count: number, maxLength: number): number {
  const seen = new Set<number>();
  let at = offset + 2;
  for (let missing = count; ; missing--) {
    // Negated, so that a limit that is not a number lets nothing through instead of everything.
    if (!(at + 2 * missing - offset <= maxLength)) {
      throw new WireError("ERR_SOCKS_OVERFLOW", `the attributes take more than ${maxLength} octets`, {
        side: "remote",
      });
    }
    if (missing === 0) return at <= bytes.length ? at : -1;
    const att = bytes[at];
    if (att === undefined) return -1;
    if (seen.has(att) && att !== ATT.textMessage) throw badList(twice(att));
    seen.add(att);
    const length = bytes[at + 1];
    if (length === undefined) return -1;
    at += 2 + length;
  }
}

function twice(att: number): string {
  return `attribute ${hexOctet(att)} occurs twice`;
}

function badList(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", message, { side: "remote" });
}

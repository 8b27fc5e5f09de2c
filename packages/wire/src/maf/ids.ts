// The list of method ids in a Can Do message, draft-ietf-aft-socks-maf-01.

import { WireError } from "../errors.ts";
import { checkOctets, copyOctets, putOctets } from "../internal/octets.ts";

/** The ids of a Can Do message and the index after them. */
export interface DecodedIds {
  readonly ids: readonly Uint8Array[];
  readonly end: number;
}

/**
 * The ids from `at` to the closing zero; `undefined` while it is not there. `checkEnd` throws for an
 * index that the message must not reach.
 */
export function decodeIds(bytes: Uint8Array, at: number, checkEnd: (end: number) => void): DecodedIds | undefined {
  const end = findEnd(bytes, at, checkEnd);
  if (end < 0) return undefined;
  const ids: Uint8Array[] = [];
  for (let group = at; bytes[group] !== 0x00;) {
    const count = bytes[group] as number;
    const length = bytes[group + 1] as number;
    group += 2;
    for (let i = 0; i < count; i++, group += length) ids.push(copyOctets(bytes, group, group + length));
  }
  return { ids, end };
}

/** Index after the closing zero, or -1 while it is not there. */
function findEnd(bytes: Uint8Array, start: number, checkEnd: (end: number) => void): number {
  const lengths = new Set<number>();
  let at = start;
  for (;;) {
    checkEnd(at + 1); // the closing zero
    const count = bytes[at];
    if (count === undefined) return -1;
    if (count === 0x00) return at + 1;
    checkEnd(at + 2 + count + 1);
    const length = bytes[at + 1];
    if (length === undefined) return -1;
    if (length === 0x00) throw badIds("an id has no octets; expected 1 to 255");
    if (lengths.has(length)) throw badIds(`ids of ${length} octets come in two groups; expected one`);
    lengths.add(length);
    at += 2 + count * length;
  }
}

/** The groups of a Can Do message, in the order of their first ids, and the closing zero. */
export function encodeIds(ids: readonly Uint8Array[]): Uint8Array {
  const groups = new Map<number, Uint8Array[]>();
  for (const id of ids) {
    checkOctets(id, "an id", 1, 255);
    const group = groups.get(id.length);
    if (group === undefined) groups.set(id.length, [id]);
    else group.push(id);
  }
  let length = 1;
  for (const [idLength, group] of groups) {
    if (group.length > 255) {
      throw new WireError("ERR_SOCKS_OVERFLOW", `${group.length} ids have ${idLength} octets; at most 255 fit`, {
        side: "local",
      });
    }
    length += 2 + group.length * idLength;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [idLength, group] of groups) {
    bytes[at] = group.length;
    bytes[at + 1] = idLength;
    at += 2;
    for (const id of group) at = putOctets(bytes, at, id);
  }
  return bytes;
}

function badIds(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", message, { side: "remote" });
}

import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctets, copyOctets, putOctets } from "../internal/octets.ts";
import { decodeIds, encodeIds } from "./ids.ts";
import { MAF_INSTR, MAF_RESULT_VERSION, MAF_VERSION } from "./code-points.ts";

/** Longest {@link MafMessage} that is sent, and taken unless told otherwise. The format allows 4 GiB of data. */
export const MAX_MAF_MESSAGE_LENGTH = 0x10000;

/**
 * A message of the Multi-Authentication Framework, draft-ietf-aft-socks-maf-01. Numbers are big-endian.
 *
 * | INSTR | VER | FLAGS | then                                                                 |
 * |-------|-----|-------|----------------------------------------------------------------------|
 * | 01    | 01  | 0000  | Can Do: { COUNT(1) IDLEN(1) IDs(COUNT * IDLEN) } ... 00              |
 * | 02    | 01  | 2     | Send More Can Do: nothing                                            |
 * | 03    | 01  | 0000  | Do: MLEN(1) METHOD(MLEN)                                             |
 * | 04    | 01  | 0000  | What next: nothing                                                   |
 * | 05    | 01  | 0000  | Process: MLEN(1) METHOD(MLEN) PAD(0-3) DLEN(4) DATA(DLEN)            |
 * | 06    | 01  | 0000  | Acknowledge: nothing                                                 |
 * | 07    | 01  | 0000  | OEM: 00 00 00 IDLEN(1) OEMID(IDLEN) PAD(0-3) DLEN(4) DATA(DLEN)      |
 * | 00    | 00  | 0000  | Success: MLEN(1) METHOD(MLEN)                                        |
 * | ff    | 00  | 0000  | Failure: MLEN(1) METHOD(MLEN)                                        |
 *
 * `PAD` puts `DLEN` at a multiple of four octets from `INSTR`. `FLAGS` of 0000, `PAD` and the zeros are
 * not looked at. Deviation: Success and Failure are read with `VER` 01 as well, which every other
 * message has. Deviation: the draft does not draw Send More Can Do; the form follows from its text.
 */
export type MafMessage = MafCanDo | MafSendMore | MafMethodMessage | MafProcess | MafOem | MafPlainMessage;

/** Can Do: the methods that the client has. */
export interface MafCanDo {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.canDo;
  /** The ids, each of 1 to 255 octets; their order means nothing. Those of one length travel together. */
  readonly ids: readonly Uint8Array[];
}

/** Send More Can Do: the server asks for further ids. */
export interface MafSendMore {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.sendMore;
  /** `FLAGS`, 0 to 65535; see {@link MAF_SEND_MORE}. */
  readonly flags: number;
}

/** Do, Success and Failure: they name a method. */
export interface MafMethodMessage {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.do | typeof MAF_INSTR.success | typeof MAF_INSTR.failure;
  /** `METHOD`, 1 to 255 octets. */
  readonly method: Uint8Array;
}

/** Process: octets of a method. */
export interface MafProcess {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.process;
  /** `METHOD`, 1 to 255 octets. */
  readonly method: Uint8Array;
  /** `DATA`; may be empty. */
  readonly data: Uint8Array;
}

/** OEM: something private. It is answered with an OEM message. */
export interface MafOem {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.oem;
  /** `OEMID`, 1 to 255 octets. */
  readonly oemId: Uint8Array;
  /** `DATA`; may be empty. */
  readonly data: Uint8Array;
}

/** What next and Acknowledge: they say nothing more. */
export interface MafPlainMessage {
  /** `INSTR`. */
  readonly instr: typeof MAF_INSTR.whatNext | typeof MAF_INSTR.acknowledge;
}

/** Limit of {@link decodeMafMessage}. */
export interface MafMessageLimits {
  /** Most octets of the message. Default: 65536. */
  readonly maxLength?: number;
}

/**
 * Decodes a {@link MafMessage} that begins at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_BAD_FIELD` (an unassigned `INSTR`, whose length nobody
 *   knows; an id without octets; a second group of ids of one length), `ERR_SOCKS_OVERFLOW` (as soon as the
 *   message cannot end within the limit).
 */
export function decodeMafMessage(
  bytes: Uint8Array,
  offset = 0,
  limits?: MafMessageLimits,
): Decoded<MafMessage> | undefined {
  const instr = bytes[offset];
  if (instr === undefined) return undefined;
  checkHead(instr, bytes[offset + 1]);
  const limit = offset + (limits?.maxLength ?? MAX_MAF_MESSAGE_LENGTH);
  const body = offset + 4;
  checkLimit(body, limit);
  if (bytes.length < body) return undefined;
  switch (instr) {
    case MAF_INSTR.canDo: {
      const found = decodeIds(bytes, body, (end) => checkLimit(end, limit));
      return found && { value: { instr, ids: found.ids }, byteLength: found.end - offset };
    }
    case MAF_INSTR.sendMore: {
      const flags = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
      return { value: { instr, flags }, byteLength: 4 };
    }
    case MAF_INSTR.whatNext:
    case MAF_INSTR.acknowledge:
      return { value: { instr }, byteLength: 4 };
    case MAF_INSTR.process:
    case MAF_INSTR.oem:
      return decodeWithData(bytes, offset, instr, limit);
    default: {
      const end = idEnd(bytes, body, limit);
      if (end > bytes.length) return undefined;
      const method = copyOctets(bytes, body + 1, end);
      return { value: { instr: instr as MafMethodMessage["instr"], method }, byteLength: end - offset };
    }
  }
}

/**
 * Encodes a {@link MafMessage}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (an unassigned `INSTR`, `FLAGS` outside 16 bits, an id without octets),
 *   `ERR_SOCKS_OVERFLOW` (an id of more than 255 octets, more than 255 ids of one length, a message of more
 *   than 65536 octets).
 */
export function encodeMafMessage(value: MafMessage): Uint8Array {
  switch (value.instr) {
    case MAF_INSTR.canDo:
      return message(value.instr, MAF_VERSION, 0, encodeIds(value.ids));
    case MAF_INSTR.sendMore:
      if ((value.flags & 0xffff) !== value.flags) throw badValue(`FLAGS is ${String(value.flags)}`, "0 to 65535");
      return message(value.instr, MAF_VERSION, value.flags, new Uint8Array(0));
    case MAF_INSTR.whatNext:
    case MAF_INSTR.acknowledge:
      return message(value.instr, MAF_VERSION, 0, new Uint8Array(0));
    case MAF_INSTR.process:
      return message(value.instr, MAF_VERSION, 0, encodeWithData(0, value.method, "METHOD", value.data));
    case MAF_INSTR.oem:
      return message(value.instr, MAF_VERSION, 0, encodeWithData(3, value.oemId, "OEMID", value.data));
    case MAF_INSTR.do:
      return message(value.instr, MAF_VERSION, 0, encodeId(value.method));
    case MAF_INSTR.success:
    case MAF_INSTR.failure:
      return message(value.instr, MAF_RESULT_VERSION, 0, encodeId(value.method));
    default:
      throw badValue(`INSTR is ${String((value as { instr: unknown }).instr)}`, "one of MAF_INSTR");
  }
}

/** Judges INSTR and, when it is there, VER. */
function checkHead(instr: number, version: number | undefined): void {
  const isResult = instr === MAF_INSTR.success || instr === MAF_INSTR.failure;
  if (!isResult && instr > MAF_INSTR.oem) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `INSTR is ${hexOctet(instr)}; expected 0x00 to 0x07 or 0xff`, {
      side: "remote",
    });
  }
  if (version === undefined || version === MAF_VERSION || (isResult && version === MAF_RESULT_VERSION)) return;
  throw new WireError("ERR_SOCKS_BAD_VERSION", `VER is ${hexOctet(version)}; expected 0x01`, { side: "remote" });
}

function decodeWithData(
  bytes: Uint8Array,
  offset: number,
  instr: typeof MAF_INSTR.process | typeof MAF_INSTR.oem,
  limit: number,
): Decoded<MafProcess | MafOem> | undefined {
  const lengthAt = offset + (instr === MAF_INSTR.oem ? 7 : 4);
  const end = idEnd(bytes, lengthAt, limit);
  if (end > bytes.length) return undefined;
  const dlenAt = end + padding(end - offset);
  const dataAt = dlenAt + 4;
  checkLimit(dataAt, limit);
  if (dataAt > bytes.length) return undefined;
  const dlen =
    (bytes[dlenAt] as number) * 0x100_0000 +
    (((bytes[dlenAt + 1] as number) << 16) | ((bytes[dlenAt + 2] as number) << 8) | (bytes[dlenAt + 3] as number));
  const dataEnd = dataAt + dlen;
  checkLimit(dataEnd, limit);
  if (dataEnd > bytes.length) return undefined;
  const id = copyOctets(bytes, lengthAt + 1, end);
  const data = copyOctets(bytes, dataAt, dataEnd);
  const value = instr === MAF_INSTR.oem ? { instr, oemId: id, data } : { instr, method: id, data };
  return { value, byteLength: dataEnd - offset };
}

/** Index after an id whose length octet stands at `at`; Infinity while that octet is missing. */
function idEnd(bytes: Uint8Array, at: number, limit: number): number {
  const length = bytes[at];
  checkLimit(at + 2, limit); // the shortest id
  if (length === undefined) return Number.POSITIVE_INFINITY;
  if (length === 0x00) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", "an id has no octets; expected 1 to 255", { side: "remote" });
  }
  checkLimit(at + 1 + length, limit);
  return at + 1 + length;
}

function checkLimit(end: number, limit: number): void {
  // Negated, so that a limit that is not a number lets nothing through instead of everything.
  if (!(end <= limit)) {
    throw new WireError("ERR_SOCKS_OVERFLOW", "the message is longer than the limit", { side: "remote" });
  }
}

/** Octets of PAD after a part of the message that has `length` octets. */
function padding(length: number): number {
  return -length & 3;
}

function message(instr: number, version: number, flags: number, body: Uint8Array): Uint8Array {
  const length = 4 + body.length;
  if (length > MAX_MAF_MESSAGE_LENGTH) {
    throw new WireError("ERR_SOCKS_OVERFLOW", `the message has ${length} octets; at most 65536 are sent`, {
      side: "local",
    });
  }
  const bytes = new Uint8Array(length);
  bytes[0] = instr;
  bytes[1] = version;
  bytes[2] = flags >>> 8;
  bytes[3] = flags & 0xff;
  putOctets(bytes, 4, body);
  return bytes;
}

function encodeId(method: Uint8Array): Uint8Array {
  checkOctets(method, "METHOD", 1, 255);
  const bytes = new Uint8Array(1 + method.length);
  bytes[0] = method.length;
  putOctets(bytes, 1, method);
  return bytes;
}

/** What follows FLAGS in Process and OEM; `zeros` octets come before the id. */
function encodeWithData(zeros: number, id: Uint8Array, field: string, data: Uint8Array): Uint8Array {
  checkOctets(id, field, 1, 255);
  checkOctets(data, "DATA", 0, MAX_MAF_MESSAGE_LENGTH);
  const idEndAt = zeros + 1 + id.length;
  const dlenAt = idEndAt + padding(4 + idEndAt);
  const bytes = new Uint8Array(dlenAt + 4 + data.length);
  bytes[zeros] = id.length;
  putOctets(bytes, zeros + 1, id);
  bytes[dlenAt + 1] = data.length >>> 16;
  bytes[dlenAt + 2] = (data.length >>> 8) & 0xff;
  bytes[dlenAt + 3] = data.length & 0xff;
  putOctets(bytes, dlenAt + 4, data);
  return bytes;
}

function badValue(what: string, expected: string): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", `${what}; expected ${expected}`, { side: "local" });
}

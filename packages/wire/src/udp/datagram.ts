import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { addrEnd, addrLength, addrStart, putAddr, unknownAtyp } from "../internal/addr.ts";
import { checkOctet, checkOctets, checkPort, copyOctets } from "../internal/octets.ts";
import { freshOctets } from "../internal/slab.ts";

/** Longest header of a {@link UdpDatagram}: RSV FRAG ATYP, one length octet, 255 octets of name, port. */
export const MAX_UDP_HEADER_LENGTH: number = 2 + 1 + 1 + 1 + 255 + 2;

/** Longest {@link UdpDatagram} with its header: what the 16-bit length of UDP leaves after UDP's own 8 octets. */
export const MAX_UDP_DATAGRAM_LENGTH: number = 0xffff - 8;

/**
 * What stands in front of the data of a {@link UdpDatagram}, RFC 1928 section 7.
 *
 * | RSV  | FRAG | ATYP | DST.ADDR | DST.PORT |
 * |------|------|------|----------|----------|
 * | 0000 | 1    | 1    | variable | 2        |
 */
export interface UdpHeader {
  /** `FRAG`: 0x00 is a whole datagram; 0x01 to 0x7f a position in a sequence, plus 0x80 at its end. */
  readonly frag: number;
  /** `ATYP`; see {@link ATYP}. */
  readonly atyp: number;
  /** `DST.ADDR`: the target; on the way back, the source of the answer. Without the length octet of a name. */
  readonly dstAddr: Uint8Array;
  /** `DST.PORT`, 0 to 65535. */
  readonly dstPort: number;
}

/**
 * A datagram on its way through a relay, RFC 1928 section 7.
 *
 * | RSV  | FRAG | ATYP | DST.ADDR | DST.PORT | DATA     |
 * |------|------|------|----------|----------|----------|
 * | 0000 | 1    | 1    | variable | 2        | variable |
 */
export interface UdpDatagram extends UdpHeader {
  /** `DATA`; may be empty. */
  readonly data: Uint8Array;
}

/** How {@link decodeUdpDatagram} reads. */
export interface UdpDatagramOptions {
  /** Whether `dstAddr` and `data` are copies. Default: false, they are views of the octets that were passed in. */
  readonly copy?: boolean;
}

/**
 * Decodes the {@link UdpHeader} of a whole datagram; the data is what follows `byteLength`.
 *
 * A datagram is never incomplete, so there is no `undefined`: what is cut short throws. For a relay
 * this is enough, and the cheapest way: the data stays where it is.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (RSV not zero, header cut short), `ERR_SOCKS_BAD_ATYP`.
 */
export function decodeUdpHeader(bytes: Uint8Array): Decoded<UdpHeader> {
  const end = dstAddrEnd(bytes);
  const atyp = bytes[3] as number;
  return {
    value: {
      frag: bytes[2] as number,
      atyp,
      dstAddr: copyOctets(bytes, addrStart(atyp, 4), end),
      dstPort: ((bytes[end] as number) << 8) | (bytes[end + 1] as number),
    },
    byteLength: end + 2,
  };
}

/**
 * Decodes a whole {@link UdpDatagram}.
 *
 * `dstAddr` and `data` are views of `bytes` unless `copy` is set: they change when `bytes` does, and
 * keep its memory alive. A datagram is never incomplete, so there is no
 * `undefined` and no `byteLength`: what is cut short throws.
 *
 * @throws WireError as {@link decodeUdpHeader}.
 */
export function decodeUdpDatagram(bytes: Uint8Array, options?: UdpDatagramOptions): UdpDatagram {
  const end = dstAddrEnd(bytes);
  const atyp = bytes[3] as number;
  const start = addrStart(atyp, 4);
  const isCopy = options?.copy === true;
  const { buffer, byteOffset } = bytes;
  const data = new Uint8Array(buffer, byteOffset + end + 2, bytes.length - end - 2);
  return {
    frag: bytes[2] as number,
    atyp,
    dstAddr: isCopy ? copyOctets(bytes, start, end) : new Uint8Array(buffer, byteOffset + start, end - start),
    dstPort: ((bytes[end] as number) << 8) | (bytes[end + 1] as number),
    data: isCopy ? new Uint8Array(data) : data,
  };
}

/** Checks the header; gives the index after its address. */
function dstAddrEnd(bytes: Uint8Array): number {
  const length = bytes.length;
  if (length < 4) throw cutShort(length);
  if (bytes[0] !== 0x00 || bytes[1] !== 0x00) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", "RSV of the datagram is not 0x0000", { side: "remote" });
  }
  const atyp = bytes[3] as number;
  if (addrStart(atyp, 4) < 0) throw unknownAtyp(atyp, { side: "remote" });
  const end = addrEnd(atyp, bytes, 4);
  if (end < 0 || length < end + 2) throw cutShort(length);
  return end;
}

/**
 * Encodes a {@link UdpDatagram} into a new array. Without data, that is the header.
 *
 * Like a `Buffer` of Node, an array of 65 to 2048 octets shares its `buffer` of 32 KiB with other
 * datagrams: do not transfer that to another thread, and copy what is to be kept for long. {@link encodeUdpDatagramInto} writes into memory of the caller's choice.
 *
 * @throws WireError `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_ADDRESS` (a length that `ATYP` does not have),
 *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW` (longer than {@link MAX_UDP_DATAGRAM_LENGTH}).
 */
export function encodeUdpDatagram(value: UdpDatagram): Uint8Array {
  const bytes = freshOctets(checkedLength(value));
  put(bytes, 0, value);
  return bytes;
}

/**
 * Encodes a {@link UdpDatagram} into `target` at `offset`, without allocating.
 *
 * @returns the number of octets written.
 * @throws WireError as {@link encodeUdpDatagram}, and `ERR_SOCKS_OVERFLOW` when `target` has no room for it.
 */
export function encodeUdpDatagramInto(target: Uint8Array, offset: number, value: UdpDatagram): number {
  const length = checkedLength(value);
  if (!(offset >= 0 && offset + length <= target.length)) {
    throw new WireError(
      "ERR_SOCKS_OVERFLOW",
      `datagram of ${length} octets does not fit at ${offset} of ${target.length} octets`,
      { side: "local" },
    );
  }
  put(target, offset, value);
  return length;
}

function checkedLength(value: UdpDatagram): number {
  checkOctet(value.frag, "FRAG");
  checkPort(value.dstPort, "DST.PORT");
  checkOctets(value.data, "DATA", 0, MAX_UDP_DATAGRAM_LENGTH);
  const length = 4 + addrLength(value.atyp, value.dstAddr, "DST.ADDR") + 2 + value.data.length;
  if (length > MAX_UDP_DATAGRAM_LENGTH) {
    throw new WireError(
      "ERR_SOCKS_OVERFLOW",
      `datagram has ${length} octets with its header; at most ${MAX_UDP_DATAGRAM_LENGTH} fit`,
      { side: "local" },
    );
  }
  return length;
}

function put(target: Uint8Array, offset: number, value: UdpDatagram): void {
  target[offset] = 0x00;
  target[offset + 1] = 0x00;
  target[offset + 2] = value.frag;
  target.set(value.data, putAddr(target, offset + 3, value.atyp, value.dstAddr, value.dstPort));
}

function cutShort(length: number): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", `datagram of ${length} octets ends inside its header`, {
    side: "remote",
  });
}

import { MAX_UDP_DATAGRAM_LENGTH, type UdpDatagram, WireError, encodeUdpDatagram } from "@sockskit/wire";

import { HandshakeError, type HandshakeErrorCode } from "../errors.ts";
import { LAST_FRAGMENT } from "./frag.ts";
import { MAX_REASSEMBLED_LENGTH } from "./fragment-reassembly.ts";

/** Most fragments of one datagram: the positions that `FRAG` can count (RFC 1928 section 7). */
export const MAX_FRAGMENT_COUNT = 0x7f;

const NO_OCTETS = new Uint8Array(0);

/**
 * Splits a datagram into fragments (RFC 1928 section 7), none longer than `maxLength` with its header.
 *
 * One that fits comes back whole, with `FRAG` 0x00. The data of a fragment is a view of the datagram's, not a copy.
 * Many relays drop every fragment: use it only where the relay is known to put them together.
 *
 * @param datagram - What to split; its `frag` is not used.
 * @param maxLength - Most octets of a fragment, header included, up to 65527.
 * @throws HandshakeError side `local`: `ERR_SOCKS_OVERFLOW` (more than {@link MAX_FRAGMENT_COUNT} fragments, or more
 *   data than {@link MAX_REASSEMBLED_LENGTH}), `ERR_SOCKS_BAD_OPTION` (no room for data in `maxLength`),
 *   `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`.
 */
export function splitDatagram(datagram: UdpDatagram, maxLength: number): readonly UdpDatagram[] {
  const { atyp, dstAddr, dstPort, data } = datagram;
  const room = maxLength - headerLength(datagram);
  if (!(Number.isInteger(room) && room >= 1 && maxLength <= MAX_UDP_DATAGRAM_LENGTH)) {
    const least = headerLength(datagram) + 1;
    throw local(
      "ERR_SOCKS_BAD_OPTION",
      `maxLength is ${maxLength}, expected ${least} to ${MAX_UDP_DATAGRAM_LENGTH} for this destination`,
    );
  }
  if (data.length <= room) return [{ atyp, dstAddr, dstPort, frag: 0x00, data }];
  const count = Math.ceil(data.length / room);
  if (count > MAX_FRAGMENT_COUNT || data.length > MAX_REASSEMBLED_LENGTH) {
    const most = Math.min(MAX_FRAGMENT_COUNT * room, MAX_REASSEMBLED_LENGTH);
    throw local(
      "ERR_SOCKS_OVERFLOW",
      `data has ${data.length} octets; at most ${most} fit in fragments of ${maxLength}`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const position = index + 1;
    const frag = position === count ? position | LAST_FRAGMENT : position;
    return { atyp, dstAddr, dstPort, frag, data: data.subarray(index * room, position * room) };
  });
}

function headerLength({ atyp, dstAddr, dstPort }: UdpDatagram): number {
  try {
    return encodeUdpDatagram({ frag: 0x00, atyp, dstAddr, dstPort, data: NO_OCTETS }).length;
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw local(cause.code, `cannot split the datagram: ${cause.message}`, cause);
  }
}

function local(code: HandshakeErrorCode, message: string, cause?: unknown): HandshakeError {
  return new HandshakeError(code, message, { side: "local", stage: "request", cause });
}

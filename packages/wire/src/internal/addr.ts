// ATYP, ADDR and PORT as SOCKS 5 requests, replies and datagrams share them (RFC 1928 section 5).

import { ATYP } from "../code-points.ts";
import { WireError } from "../errors.ts";
import type { WireErrorOptions } from "../errors.ts";
import { hexOctet } from "./hex.ts";
import { checkOctets } from "./octets.ts";

/** Most octets of a domain name in an address field: its length octet counts no further. */
const MAX_ADDR_LENGTH = 255;

/** The error for an address type without a known length. */
export function unknownAtyp(atyp: number, options: WireErrorOptions): WireError {
  const message = `ATYP is ${hexOctet(atyp)}; expected 0x01 (IPv4), 0x03 (domain name) or 0x04 (IPv6)`;
  return new WireError("ERR_SOCKS_BAD_ATYP", message, options);
}

/** Index of the first octet of the address, or -1 for an unknown type; `at` is the index after `ATYP`. */
export function addrStart(atyp: number, at: number): number {
  if (atyp === ATYP.ipv4 || atyp === ATYP.ipv6) return at;
  return atyp === ATYP.domainName ? at + 1 : -1;
}

/** Index after the last octet of the address, or -1 while its length octet is missing. */
export function addrEnd(atyp: number, bytes: Uint8Array, at: number): number {
  if (atyp === ATYP.ipv4) return at + 4;
  if (atyp === ATYP.ipv6) return at + 16;
  return at < bytes.length ? at + 1 + (bytes[at] as number) : -1;
}

/**
 * Octets that `ATYP`'s address takes in a message, with the length octet of a name.
 * @throws WireError `ERR_SOCKS_BAD_ATYP`, `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW`.
 */
export function addrLength(atyp: number, addr: Uint8Array, field: string): number {
  checkOctets(addr, field, 0, MAX_ADDR_LENGTH);
  const length = addr.length;
  if (atyp === ATYP.ipv4) {
    if (length === 4) return 4;
  } else if (atyp === ATYP.ipv6) {
    if (length === 16) return 16;
  } else if (atyp === ATYP.domainName) {
    if (length > 0) return 1 + length;
  } else {
    throw unknownAtyp(atyp, { side: "local" });
  }
  throw new WireError(
    "ERR_SOCKS_BAD_ADDRESS",
    `${field} has ${length} octets, which ATYP ${hexOctet(atyp)} cannot have`,
    {
      side: "local",
    },
  );
}

/** Writes ATYP, the checked address and the port at `offset`; returns the offset after them. */
export function putAddr(target: Uint8Array, offset: number, atyp: number, addr: Uint8Array, port: number): number {
  const length = addr.length;
  let at = offset;
  target[at++] = atyp;
  if (atyp === ATYP.domainName) target[at++] = length;
  for (let i = 0; i < length; i++) target[at++] = addr[i] as number;
  target[at] = port >>> 8;
  target[at + 1] = port & 0xff;
  return at + 2;
}

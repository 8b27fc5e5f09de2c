import { canonicalDomain, ipv4Address, ipv6Address, unmapAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { ATYP, REP } from "./code-points.ts";
import { WireError } from "./errors.ts";
import { unknownAtyp } from "./internal/addr.ts";
import { parseIpv4Octets, parseIpv6Octets } from "./internal/ip-text.ts";
import { canonicalName } from "./internal/name.ts";
import { quote } from "./internal/quote.ts";

/** An address as the fields of a SOCKS 5 message or datagram. */
export interface AddressFields {
  /** `ATYP`; see {@link ATYP}. */
  readonly atyp: number;
  /** `DST.ADDR` or `BND.ADDR`, without the length octet of a name. */
  readonly addr: Uint8Array;
}

/**
 * The address that a peer means with the fields of a message: the edge where octets from the wire
 * become an {@link Address}. For the name of SOCKS 4A pass `ATYP.domainName`.
 *
 * - An IPv4-mapped IPv6 address is the IPv4 address.
 * - A name that is the text of an IPv4 or IPv6 literal (brackets allowed, no zone) is that literal:
 *   many clients send literals so, and a rule on addresses must see them.
 * - Octets from 0x80 on are UTF-8 and become A-labels.
 * - Refused: NUL, space, control octets, invalid UTF-8, every character but letters, digits, `-`,
 *   `_` and `.`, empty names and labels, names of more than 253 and labels of more than 63
 *   characters, and names that some software reads as an IPv4 address (`0x7f.1`, `127.1`).
 *
 * RFC 1928 section 5 does not define the character set of a name; this is what can be looked up.
 *
 * @throws WireError side `"remote"`: `ERR_SOCKS_BAD_ATYP` (`rep` 0x08), `ERR_SOCKS_BAD_ADDRESS` (`rep` 0x01).
 * @throws WireError side `"local"`: `ERR_SOCKS_BAD_PORT`.
 */
export function addressFromFields(atyp: number, addr: Uint8Array, port: number): Address {
  if (atyp === ATYP.domainName) return fromName(addr, port);
  if (atyp === ATYP.ipv4) {
    if (addr.length === 4) return ipv4Address(addr, port);
  } else if (atyp === ATYP.ipv6) {
    if (addr.length === 16) return unmapAddress(ipv6Address(addr, port));
  } else {
    throw unknownAtyp(atyp, { side: "remote", rep: REP.addressTypeNotSupported });
  }
  throw badAddress(`address of type ${atyp} has ${addr.length} octets`);
}

/**
 * The fields that carry an address. `addr` is the address's own array, not a copy.
 *
 * The zone of an IPv6 address has no place in SOCKS and is left out.
 */
export function addressFields(address: Address): AddressFields {
  const atyp = address.type === "ipv4" ? ATYP.ipv4 : address.type === "ipv6" ? ATYP.ipv6 : ATYP.domainName;
  return { atyp, addr: address.octets };
}

function fromName(addr: Uint8Array, port: number): Address {
  const text = nameText(addr);
  const ipv4 = parseIpv4Octets(text);
  if (ipv4 !== undefined) return ipv4Address(ipv4, port);
  if (text.includes(":")) {
    const bracketed = text.startsWith("[") && text.endsWith("]");
    const ipv6 = parseIpv6Octets(bracketed ? text.slice(1, -1) : text);
    if (ipv6 === undefined) throw badAddress(`name ${quote(text)} is neither an IPv6 address nor a host name`);
    return unmapAddress(ipv6Address(ipv6, port));
  }
  const result = canonicalName(text);
  if ("problem" in result) throw badAddress(`name ${result.problem}`);
  return canonicalDomain(result.name, port);
}

/** The octets of a name as text: ASCII, else UTF-8. */
function nameText(addr: Uint8Array): string {
  let text = "";
  for (let i = 0; i < addr.length; i++) {
    const octet = addr[i] as number;
    if (octet >= 0x80) return utf8Text(addr);
    text += String.fromCharCode(octet);
  }
  return text;
}

function utf8Text(addr: Uint8Array): string {
  try {
    // The byte order mark stays: nothing may vanish between what was sent and what is judged.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(addr);
  } catch (cause) {
    throw badAddress("name is neither ASCII nor UTF-8", cause);
  }
}

function badAddress(message: string, cause?: unknown): WireError {
  return new WireError("ERR_SOCKS_BAD_ADDRESS", message, {
    side: "remote",
    rep: REP.generalSocksServerFailure,
    cause,
  });
}

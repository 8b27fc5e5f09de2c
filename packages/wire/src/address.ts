import { WireError } from "./errors.ts";
import {
  formatIpv4Octets,
  formatIpv6Octets,
  isIpv4Mapped,
  isIpv4Translated,
  isZero,
  isZone,
} from "./internal/ip-text.ts";
import { canonicalName } from "./internal/name.ts";
import { checkPort, copyOctets } from "./internal/octets.ts";
import { quote } from "./internal/quote.ts";

/** An IPv4 address and a port. Plain data that survives a structured clone. */
export interface Ipv4Address {
  /** Tells it from the other addresses. */
  readonly type: "ipv4";
  /** The address as a dotted quad. */
  readonly host: string;
  /** The port, 0 to 65535. */
  readonly port: number;
  /** The address as 4 octets, as messages carry it. */
  readonly octets: Uint8Array;
}

/** An IPv6 address and a port. Plain data that survives a structured clone. */
export interface Ipv6Address {
  /** Tells it from the other addresses. */
  readonly type: "ipv6";
  /** The address as RFC 5952 writes it, without brackets and zone. */
  readonly host: string;
  /** The port, 0 to 65535. */
  readonly port: number;
  /** The address as 16 octets, as messages carry it. */
  readonly octets: Uint8Array;
  /** The zone (interface) of a link-local address. Means something on this host only and is never sent. */
  readonly zone?: string;
}

/** A domain name and a port. Plain data that survives a structured clone. */
export interface DomainAddress {
  /** Tells it from the other addresses. */
  readonly type: "domain";
  /** The name in ASCII: A-labels (IDNA), lower case, no trailing dot, at most 253 characters. */
  readonly host: string;
  /** The port, 0 to 65535. */
  readonly port: number;
  /** `host` as octets, as messages carry it. */
  readonly octets: Uint8Array;
}

/** An IP address and a port. */
export type IpAddress = Ipv4Address | Ipv6Address;

/** Where something is or should go: an IP address or a domain name, and a port. */
export type Address = IpAddress | DomainAddress;

/**
 * An IPv4 address from its 4 octets, which are copied.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`.
 */
export function ipv4Address(octets: Uint8Array, port: number): Ipv4Address {
  checkLength(octets, 4, "IPv4");
  checkPort(port, "port");
  return { type: "ipv4", host: formatIpv4Octets(octets), port, octets: copyOctets(octets, 0, 4) };
}

/**
 * An IPv6 address from its 16 octets, which are copied.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`.
 */
export function ipv6Address(octets: Uint8Array, port: number, zone?: string): Ipv6Address {
  checkLength(octets, 16, "IPv6");
  checkPort(port, "port");
  const host = formatIpv6Octets(octets);
  const copy = copyOctets(octets, 0, 16);
  if (zone === undefined) return { type: "ipv6", host, port, octets: copy };
  if (!isZone(zone)) throw badAddress(`zone ${quote(zone)} is not the name or number of an interface`);
  return { type: "ipv6", host, port, octets: copy, zone };
}

/**
 * A domain name that is ASCII already. It is lower-cased, and one trailing dot is dropped: names in
 * SOCKS are fully qualified (RFC 1928 section 5), so the dot says nothing, and a second spelling of
 * the same name would be a way round a rule.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`, also for names that some software reads as an IPv4 address; `ERR_SOCKS_BAD_PORT`.
 */
export function domainAddress(asciiName: string, port: number): DomainAddress {
  return canonicalDomain(toAsciiName(asciiName), port);
}

/** The address of a name that is in its canonical form already. */
export function canonicalDomain(host: string, port: number): DomainAddress {
  checkPort(port, "port");
  const octets = new Uint8Array(host.length);
  for (let i = 0; i < host.length; i++) octets[i] = host.charCodeAt(i);
  return { type: "domain", host, port, octets };
}

/**
 * A domain name in the form in which it is compared, sent and looked up: non-ASCII labels as
 * A-labels (IDNA, UTS 46), lower case, without a trailing dot.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`: empty or longer than 253 characters, a label empty or longer than 63,
 *   a character that is no letter, digit, `-` or `_`, no ASCII form, or a name that some software reads as an IPv4 address (`0x7f.1`).
 */
export function toAsciiName(name: string): string {
  const result = canonicalName(name);
  if ("problem" in result) throw badAddress(result.problem);
  return result.name;
}

/**
 * The IPv4 address instead of an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`); every other address
 * as it is.
 */
export function unmapAddress<T extends Address>(address: T): T | Ipv4Address {
  if (address.type !== "ipv6" || !isIpv4Mapped(address.octets)) return address;
  return ipv4Address(address.octets.subarray(12), address.port);
}

/**
 * The IPv4 address inside an IPv6 address, through which a gateway might reach it: IPv4-mapped
 * (`::ffff:0:0/96`), IPv4-compatible (`::/96` without `::` and `::1`), IPv4-translated
 * (`::ffff:0:0:0/96`), NAT64 (`64:ff9b::/96` of RFC 6052, `64:ff9b:1::/48` of RFC 8215 with the
 * address at its end) and 6to4 (`2002::/16`). `undefined` for every other one.
 */
export function embeddedIpv4(address: Ipv6Address): Ipv4Address | undefined {
  const octets = address.octets;
  if (octets[0] === 0x20 && octets[1] === 0x02) return ipv4Address(octets.subarray(2, 6), address.port);
  const atEnd =
    isIpv4Mapped(octets) ||
    isIpv4Translated(octets) ||
    isNat64(octets) ||
    (isZero(octets, 0, 12) && !(isZero(octets, 12, 15) && (octets[15] as number) <= 1));
  return atEnd ? ipv4Address(octets.subarray(12), address.port) : undefined;
}

/** Whether it is `0.0.0.0`, `::` or `::ffff:0.0.0.0`; never so for a domain name. */
export function isUnspecified(address: Address): boolean {
  if (address.type === "domain") return false;
  const octets = address.octets;
  return isZero(octets, address.type === "ipv6" && isIpv4Mapped(octets) ? 12 : 0, octets.length);
}

/**
 * The same host with another port.
 *
 * @throws WireError `ERR_SOCKS_BAD_PORT`.
 */
export function withPort<T extends Address>(address: T, port: number): T {
  checkPort(port, "port");
  return { ...address, port };
}

function isNat64(octets: Uint8Array): boolean {
  if (octets[0] !== 0x00 || octets[1] !== 0x64 || octets[2] !== 0xff || octets[3] !== 0x9b) return false;
  return isZero(octets, 4, 12) || (octets[4] === 0x00 && octets[5] === 0x01);
}

function checkLength(octets: Uint8Array, length: number, family: string): void {
  if (octets.length !== length) {
    throw badAddress(`${family} address has ${octets.length} octets; expected ${length}`);
  }
}

function badAddress(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_ADDRESS", message, { side: "local" });
}

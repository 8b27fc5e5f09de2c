import { domainAddress, ipv4Address, ipv6Address } from "./address.ts";
import type { Address, IpAddress } from "./address.ts";
import { WireError } from "./errors.ts";
import { isZone, parseIpv4Octets, parseIpv6Octets } from "./internal/ip-text.ts";
import { checkPort } from "./internal/octets.ts";
import { quote } from "./internal/quote.ts";

/**
 * Makes an {@link Address} from what a person or a program wrote: an IPv4 address, an IPv6 address
 * (brackets and zone allowed) or a host name (IDNA applied, one trailing dot allowed).
 *
 * Nothing is guessed: names that some software reads as an IPv4 address (`0x7f.1`, `127.1`,
 * `2130706433`, `1.2.3.04`) are refused, not converted.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT` (no whole number from 0 to 65535); side `"local"`.
 */
export function parseAddress(host: string, port: number): Address {
  checkPort(port, "port");
  if (typeof host !== "string") throw badAddress(`host is of type ${typeof host}; expected a string`);
  const ip = parseIpAddress(host, port);
  if (ip !== undefined) return ip;
  if (/[:[\]%]/.test(host)) {
    throw badAddress(`${quote(host)} is neither an IPv6 address nor a host name`);
  }
  return domainAddress(host, port);
}

/**
 * The address that `text` is a literal of: a dotted quad, or IPv6 with or without brackets and
 * zone. `undefined` when it is not one.
 *
 * @throws WireError `ERR_SOCKS_BAD_PORT`.
 */
export function parseIpAddress(text: string, port = 0): IpAddress | undefined {
  const ipv4 = parseIpv4Octets(text);
  if (ipv4 !== undefined) return ipv4Address(ipv4, port);
  if (!text.includes(":")) return undefined;
  const inner = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const percent = inner.indexOf("%");
  const ipv6 = parseIpv6Octets(percent < 0 ? inner : inner.slice(0, percent));
  if (ipv6 === undefined) return undefined;
  if (percent < 0) return ipv6Address(ipv6, port);
  const zone = inner.slice(percent + 1);
  return isZone(zone) ? ipv6Address(ipv6, port, zone) : undefined;
}

/**
 * Makes an {@link Address} from `host:port`, `[ipv6]:port`, or a host alone when there is a default port.
 *
 * An IPv6 address needs its brackets here: in `2001:db8::1:80` nobody knows where the port begins.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT` (also: none given, and no default); side `"local"`.
 */
export function parseHostPort(text: string, defaultPort?: number): Address {
  if (typeof text !== "string") throw badAddress(`address is of type ${typeof text}; expected a string`);
  const bracket = text.startsWith("[") ? text.indexOf("]") : -1;
  const colon = text.indexOf(":", bracket + 1);
  if (bracket < 0 && colon !== text.lastIndexOf(":")) {
    const hint =
      parseIpAddress(text) === undefined ? "expected host:port" : `write an IPv6 address as ${quote(`[${text}]`)}`;
    throw badAddress(`${quote(text)} has several colons; ${hint}`);
  }
  if (colon >= 0) return parseAddress(text.slice(0, colon), parsePort(text.slice(colon + 1)));
  if (defaultPort === undefined) {
    throw new WireError("ERR_SOCKS_BAD_PORT", `${quote(text)} has no port; expected host:port`, { side: "local" });
  }
  return parseAddress(text, defaultPort);
}

/**
 * A port from its decimal digits: 0 to 65535, no sign, no white space, no leading zeros.
 *
 * @throws WireError `ERR_SOCKS_BAD_PORT`.
 */
export function parsePort(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,4})$/.test(text) || Number(text) > 0xffff) {
    throw new WireError("ERR_SOCKS_BAD_PORT", `port ${quote(text)} is not a number from 0 to 65535`, {
      side: "local",
    });
  }
  return Number(text);
}

/** Text of an address that {@link parseHostPort} reads back: `host:port`, `[ipv6%zone]:port`. */
export function formatAddress(address: Address): string {
  return `${formatHost(address)}:${address.port}`;
}

/** Text of the host alone; an IPv6 address in brackets, with its zone. */
export function formatHost(address: Address): string {
  if (address.type !== "ipv6") return address.host;
  return address.zone === undefined ? `[${address.host}]` : `[${address.host}%${address.zone}]`;
}

function badAddress(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_ADDRESS", message, { side: "local" });
}

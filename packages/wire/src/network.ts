import { unmapAddress } from "./address.ts";
import { parseIpAddress } from "./address-text.ts";
import type { IpAddress } from "./address.ts";
import { WireError } from "./errors.ts";
import { formatIpv4Octets, formatIpv6Octets, isIpv4Mapped, parseIpv4Octets } from "./internal/ip-text.ts";
import { quote } from "./internal/quote.ts";

/** A network: every address that begins with the same bits. Plain data that survives a structured clone. */
export interface Network {
  /** The family of its addresses. */
  readonly type: "ipv4" | "ipv6";
  /** The first address, 4 or 16 octets; zero behind the prefix. */
  readonly octets: Uint8Array;
  /** How many leading bits count: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefixLength: number;
}

/**
 * Makes a {@link Network} from `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32`,
 * `[2001:db8::]/32` or a single address.
 *
 * Bits behind the prefix are cleared. A network of IPv4-mapped addresses (`::ffff:192.0.2.0/120`)
 * is the IPv4 network.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS`; side `"local"`.
 */
export function parseNetwork(text: string): Network {
  if (typeof text !== "string") throw badNetwork(`network is of type ${typeof text}; expected a string`);
  const slash = text.indexOf("/");
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || (address.type === "ipv6" && address.zone !== undefined)) {
    throw badNetwork(
      `${quote(text)} is not a network; expected an IP address, or one with a prefix length ("192.0.2.0/24")`,
    );
  }
  const bits = address.octets.length * 8;
  const prefixLength = slash < 0 ? bits : parsePrefixLength(text.slice(slash + 1), bits);
  if (prefixLength === undefined) {
    throw badNetwork(`${quote(text)} has no prefix length from 0 to ${bits} after the slash`);
  }
  const mapped = address.type === "ipv6" && prefixLength >= 96 && isIpv4Mapped(address.octets);
  const octets = mapped ? address.octets.slice(12) : address.octets.slice();
  const length = mapped ? prefixLength - 96 : prefixLength;
  for (let i = 0; i < octets.length; i++) octets[i] = (octets[i] as number) & maskOctet(length, i);
  return { type: mapped ? "ipv4" : address.type, octets, prefixLength: length };
}

/** Text of a network, `192.0.2.0/24`, which {@link parseNetwork} reads back. */
export function formatNetwork(network: Network): string {
  const host = network.type === "ipv4" ? formatIpv4Octets(network.octets) : formatIpv6Octets(network.octets);
  return `${host}/${network.prefixLength}`;
}

/** Whether the address is in the network. An IPv4-mapped IPv6 address counts as the IPv4 address that it is. */
export function networkContains(network: Network, address: IpAddress): boolean {
  const { type, octets } = unmapAddress(address);
  if (type !== network.type) return false;
  for (let i = 0; i < octets.length; i++) {
    if (((octets[i] as number) & maskOctet(network.prefixLength, i)) !== network.octets[i]) return false;
  }
  return true;
}

/** The mask of octet `index` under a prefix. */
function maskOctet(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
  return (0xff00 >>> bits) & 0xff;
}

/** Bits of `24` or, for IPv4, of `255.255.255.0`. */
function parsePrefixLength(text: string, bits: number): number | undefined {
  if (/^(?:0|[1-9][0-9]{0,2})$/.test(text)) return Number(text) <= bits ? Number(text) : undefined;
  const mask = bits === 32 ? parseIpv4Octets(text) : undefined;
  if (mask === undefined) return undefined;
  for (let length = 0; length <= 32; length++) {
    if (mask.every((octet, index) => octet === maskOctet(length, index))) return length;
  }
  return undefined;
}

function badNetwork(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_ADDRESS", message, { side: "local" });
}

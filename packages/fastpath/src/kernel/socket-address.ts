import { type IpAddress, ipv4Address, ipv6Address, unmapAddress } from "@sockskit/wire";
import { LINUX, MEMORY } from "./layout.ts";

/** Length of `struct sockaddr_in`. */
const IPV4_LENGTH = 16;
/** Length of `struct sockaddr_in6`. */
const IPV6_LENGTH = 28;

/**
 * Writes an address as `struct sockaddr_in` or `sockaddr_in6` to the place for it, and gives its length. Both
 * architectures store the family with the low octet first.
 */
export function putAddress(memory: Uint8Array, address: IpAddress): number {
  const at = MEMORY.address;
  const isIpv4 = address.type === "ipv4";
  const length = isIpv4 ? IPV4_LENGTH : IPV6_LENGTH;
  memory.fill(0, at, at + length);
  memory[at] = isIpv4 ? LINUX.AF_INET : LINUX.AF_INET6;
  memory[at + 2] = address.port >> 8;
  memory[at + 3] = address.port & 0xff;
  memory.set(address.octets, at + (isIpv4 ? 4 : 8));
  return length;
}

/** The address that a call has left behind, an IPv4-mapped one as what it is. `undefined` for another family. */
export function takeAddress(memory: Uint8Array): IpAddress | undefined {
  const at = MEMORY.address;
  const port = ((memory[at + 2] as number) << 8) | (memory[at + 3] as number);
  if (memory[at] === LINUX.AF_INET) return ipv4Address(memory.subarray(at + 4, at + 8), port);
  if (memory[at] !== LINUX.AF_INET6) return undefined;
  return unmapAddress(ipv6Address(memory.subarray(at + 8, at + 24), port));
}

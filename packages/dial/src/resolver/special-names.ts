import { type Address, type IpAddress, ipv4Address, ipv6Address, parseAddress } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import type { AddressFamily } from "./resolver.ts";
import { resolveFailed } from "./system-lookup.ts";

/**
 * Makes an address of what is to be looked up, by the strict parser. That keeps away what the C library gives a meaning
 * of its own: the empty name, `*`, and short, octal or hexadecimal forms of IPv4 addresses such as `127.1`.
 *
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`.
 */
export function parseName(name: string): Address {
  try {
    return parseAddress(name, 0);
  } catch (cause) {
    const message = `cannot resolve ${JSON.stringify(name)}: it is not a host name`;
    throw new SocksError("ERR_SOCKS_BAD_ADDRESS", message, { side: "local", stage: "resolve", cause });
  }
}

/**
 * What is known without asking: the loopback addresses for `localhost`, the address itself for a literal; `undefined`
 * means ask.
 *
 * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED`.
 */
export function answerWithoutAsking(address: Address, family: AddressFamily): readonly IpAddress[] | undefined {
  if (address.type !== "domain") return ofFamily([address], family);
  const { host } = address;
  if (host === "localhost" || host.endsWith(".localhost")) return ofFamily(loopback(), family);
  if (host === "onion" || host.endsWith(".onion")) {
    throw resolveFailed(host, "names below .onion are resolved by Tor alone; use a socks5h or socks4a proxy URL");
  }
  return undefined;
}

/** Whether the name of an address is `localhost`, which is known without asking. */
export function isLoopback({ type, octets }: IpAddress): boolean {
  return type === "ipv4" ? octets[0] === 127 : octets[15] === 1 && octets.subarray(0, 15).every((octet) => octet === 0);
}

function loopback(): [IpAddress, ...IpAddress[]] {
  const last = new Uint8Array(16);
  last[15] = 1;
  // IPv4 first: most programs that listen on loopback, proxies above all, listen there only.
  return [ipv4Address(Uint8Array.of(127, 0, 0, 1), 0), ipv6Address(last, 0)];
}

function ofFamily(addresses: readonly [IpAddress, ...IpAddress[]], family: AddressFamily): readonly IpAddress[] {
  if (family === "auto") return addresses;
  const wanted = addresses.filter((address) => address.type === (family === 4 ? "ipv4" : "ipv6"));
  if (wanted.length === 0) throw resolveFailed(addresses[0].host, `it has no IPv${family} address`);
  return wanted;
}

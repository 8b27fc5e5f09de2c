import type { IpAddress } from "@sockskit/wire";

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address. */
export function clientKey(address: IpAddress): string {
  if (address.type === "ipv4") return address.host;
  let key = "";
  for (let i = 0; i < 8; i++) key += (address.octets[i] ?? 0).toString(16).padStart(2, "0");
  return key;
}

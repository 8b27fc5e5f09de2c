import { embeddedIpv4, type IpAddress, isUnspecified } from "@sockskit/wire";

/** Whether only this host can reach an address that is listened on. */
export function isLoopback(address: IpAddress): boolean {
  if (address.type === "ipv4") return address.octets[0] === 127;
  if (isUnspecified(address)) return false;
  if (address.octets[15] === 1 && address.octets.subarray(0, 15).every((octet) => octet === 0)) return true;
  const inner = embeddedIpv4(address);
  return inner !== undefined && address.octets.subarray(0, 10).every((octet) => octet === 0) && inner.octets[0] === 127;
}

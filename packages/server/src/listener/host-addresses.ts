import { networkInterfaces } from "node:os";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";

/** Addresses of this host at this moment. */
export function hostAddresses(): readonly IpAddress[] {
  const addresses: IpAddress[] = [];
  for (const entries of Object.values(networkInterfaces())) {
    for (const entry of entries ?? []) {
      const address = parseIpAddress(entry.address);
      if (address !== undefined) addresses.push(address);
    }
  }
  return addresses;
}

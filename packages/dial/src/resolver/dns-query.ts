import { promises as dns } from "node:dns";

import { type IpAddress, parseIpAddress } from "@sockskit/wire";

import { HostsFile } from "./hosts-file.ts";
import type { AddressFamily } from "./resolver.ts";

/** Asks for a name without the operating system's threads; gives nothing rather than an error. */
export type DnsQuery = (name: string, family: AddressFamily) => Promise<readonly IpAddress[]>;

/** Each of two tries waits this long for a name server, in milliseconds. */
const TRY_MS = 2500;

/**
 * A query to the name servers themselves, over sockets: it needs no thread, so any number of slow ones hold up
 * nobody. It knows the hosts file and DNS but no other name service, hence it never says that a name does not exist.
 *
 * @param servers - Asked instead of the system's name servers: `address:port`.
 */
export function createDnsQuery(hosts: HostsFile = new HostsFile(), servers?: readonly string[]): DnsQuery {
  return async (name, family) => {
    if (!isDnsName(name)) return [];
    const listed = await hosts.find(name);
    if (listed !== undefined) return listed.filter((address) => isOfFamily(address, family));
    // A resolver of its own: it reads the system's list of name servers anew, and owns no socket once it is done.
    const resolver = new dns.Resolver({ timeout: TRY_MS, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const answers = await Promise.allSettled([
      family === 4 ? [] : resolver.resolve6(name),
      family === 6 ? [] : resolver.resolve4(name),
    ]);
    return answers
      .flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
      .map((text) => parseIpAddress(text))
      .filter((address) => address !== undefined);
  };
}

/** A name without a dot may depend on a search list, `.local` belongs to multicast DNS: the system alone knows. */
function isDnsName(name: string): boolean {
  return name.includes(".") && !name.endsWith(".local");
}

function isOfFamily(address: IpAddress, family: AddressFamily): boolean {
  return family === "auto" || address.type === (family === 4 ? "ipv4" : "ipv6");
}

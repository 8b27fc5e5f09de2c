import type { AddressFamily, Resolver } from "@sockskit/dial";
import { type Address, domainAddress, formatAddress, ipv4Address, ipv6Address, withPort } from "@sockskit/wire";

/** Where a proxy is asked to connect to, in the forms that requests know. */
export interface Targets {
  /** For people. */
  readonly text: string;
  readonly ipv4?: Address;
  readonly ipv6?: Address;
  readonly name?: Address;
}

/** Hardly anything listens there: a proper refusal shows that the proxy understood. */
const OWN_HOST: Targets = {
  text: "port 1 of the proxy's own host",
  ipv4: ipv4Address(Uint8Array.of(127, 0, 0, 1), 1),
  ipv6: ipv6Address(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 1),
  name: domainAddress("localhost", 1),
};

/** All forms of `target`; without one, of the proxy's own host. A name that cannot be resolved here is one form only. */
export async function targetsOf(
  target: Address | undefined,
  resolver: Resolver,
  family: AddressFamily,
  signal: AbortSignal | undefined,
): Promise<Targets> {
  if (target === undefined) return OWN_HOST;
  const text = formatAddress(target);
  if (target.type !== "domain") return { text, [target.type]: target };
  const found = await resolver.resolve(target.host, { family, signal }).catch(() => []);
  const ipv4 = found.find(({ type }) => type === "ipv4");
  const ipv6 = found.find(({ type }) => type === "ipv6");
  return {
    text,
    name: target,
    ...(ipv4 !== undefined && { ipv4: withPort(ipv4, target.port) }),
    ...(ipv6 !== undefined && { ipv6: withPort(ipv6, target.port) }),
  };
}

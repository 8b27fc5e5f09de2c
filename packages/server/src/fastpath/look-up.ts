import { isSocksError, type Resolver } from "@sockskit/dial";
import type { LookupAnswer } from "@sockskit/fastpath";
import { repForError } from "@sockskit/policy";
import { type IpAddress, REP } from "@sockskit/wire";
import { isIP } from "node:net";

const NOT_FOUND: LookupAnswer = { code: "ERR_SOCKS_RESOLVE_FAILED", rep: REP.hostUnreachable };

/** Looks a name up for a thread. Never rejects: what fails is an answer as well. */
export async function lookUp(
  resolver: Resolver,
  name: string,
  family: "auto" | 4 | 6,
  signal: AbortSignal,
): Promise<LookupAnswer> {
  try {
    const addresses: unknown = await resolver.resolve(name, { family, signal });
    if (!Array.isArray(addresses) || addresses.length === 0 || !addresses.every(isIpAddress)) return NOT_FOUND;
    // Plain copies: a resolver from elsewhere may give what cannot go to another thread.
    return { addresses: addresses.map(plainCopy) };
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== "string") return NOT_FOUND;
    return { code, rep: isSocksError(error) ? repForError(error) : REP.hostUnreachable };
  }
}

/** Whether a resolver from elsewhere gave what its type promises. */
function isIpAddress(value: unknown): value is IpAddress {
  if (typeof value !== "object" || value === null) return false;
  const { type, host, octets } = value as Partial<Record<keyof IpAddress, unknown>>;
  if (typeof host !== "string" || !(octets instanceof Uint8Array)) return false;
  return type === "ipv4"
    ? octets.length === 4 && isIP(host) === 4
    : type === "ipv6" && octets.length === 16 && isIP(host) === 6;
}

function plainCopy(address: IpAddress): IpAddress {
  const { host, port } = address;
  const octets = Uint8Array.from(address.octets);
  if (address.type === "ipv4") return { type: "ipv4", host, port, octets };
  return { type: "ipv6", host, port, octets, ...(address.zone === undefined ? {} : { zone: address.zone }) };
}

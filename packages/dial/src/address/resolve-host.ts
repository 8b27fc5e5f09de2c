import { isIP } from "node:net";

import type { IpAddress } from "@sockskit/wire";

import { isSocksError, SocksError } from "../errors.ts";
import type { Operation } from "../internal/operation.ts";
import type { AddressFamily, Resolver } from "../resolver/resolver.ts";
import { resolveFailed } from "../resolver/system-lookup.ts";
import type { Peer } from "./peer.ts";

/**
 * Looks the name of `peer` up. Whatever goes wrong ends the operation.
 *
 * @param undo - How to free what is open besides the look-up, if something is.
 */
export function resolveHost<T>(
  operation: Operation<T>,
  name: string,
  family: AddressFamily,
  resolver: Resolver,
  peer: Pick<Peer, "title" | "reference" | "awaited">,
  onResolved: (addresses: readonly IpAddress[]) => void,
  undo?: () => void,
): void {
  operation.enter("resolve", peer);
  const controller = new AbortController();
  operation.hold(() => {
    controller.abort();
    undo?.();
  });
  const fail = (cause: unknown): void => {
    if (operation.over) return;
    const { code, message, side } = isSocksError(cause) ? cause : resolveFailed(name, "the resolver failed", cause);
    const options = { side, stage: "resolve", hop: peer.reference(), cause } as const;
    operation.fail(new SocksError(code, `${peer.title()} cannot be found: ${message}`, options));
  };
  const succeed = (addresses: unknown): void => {
    if (!isAddressList(addresses)) {
      return fail(resolveFailed(name, "the resolver gave something else than an array of IP addresses"));
    }
    if (addresses.length === 0) return fail(resolveFailed(name, "the resolver gave no address"));
    operation.hold(undo);
    operation.run(() => onResolved(addresses));
  };
  try {
    Promise.resolve(resolver.resolve(name, { family, signal: controller.signal }))
      .then(succeed)
      .catch(fail);
  } catch (error) {
    // A resolver from elsewhere may throw instead of rejecting.
    fail(error);
  }
}

/** Whether a resolver from elsewhere gave what its type promises: a name instead of an address would be asked for again. */
function isAddressList(value: unknown): value is readonly IpAddress[] {
  return Array.isArray(value) && value.every(isIpAddress);
}

function isIpAddress(value: unknown): value is IpAddress {
  if (typeof value !== "object" || value === null) return false;
  const { type, host, octets } = value as Partial<Record<keyof IpAddress, unknown>>;
  if (typeof host !== "string" || !(octets instanceof Uint8Array)) return false;
  return type === "ipv4"
    ? octets.length === 4 && isIP(host) === 4
    : type === "ipv6" && octets.length === 16 && isIP(host) === 6;
}

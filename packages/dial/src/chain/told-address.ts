import type { Socket } from "node:net";

import { type Address, isUnspecified, parseIpAddress, unmapAddress, withPort } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import type { Hop } from "./hop.ts";

/**
 * The address that a proxy told, as others can use it: an unspecified one is the proxy's own, as this side reached it
 * (said for SOCKS 4 BIND, and common practice for RFC 1928).
 *
 * @param what - What the proxy does there, for the error: "it listens".
 * @throws SocksError `ERR_SOCKS_BAD_ADDRESS`.
 */
export function requireUsableAddress(told: Address | undefined, socket: Socket, hop: Hop, what: string): Address {
  const address = told !== undefined && isUnspecified(told) ? ownAddress(socket, told.port) : told;
  if (address !== undefined && address.port > 0) return address;
  const problem = told === undefined ? "what it told is no address" : "it told none that could be used";
  throw new SocksError("ERR_SOCKS_BAD_ADDRESS", `${hop.title()} does not say where ${what}: ${problem}`, {
    side: "remote",
    stage: "request",
    hop: hop.reference(),
  });
}

function ownAddress({ remoteAddress }: Socket, port: number): Address | undefined {
  const address = remoteAddress === undefined ? undefined : parseIpAddress(remoteAddress);
  return address && withPort(unmapAddress(address), port);
}

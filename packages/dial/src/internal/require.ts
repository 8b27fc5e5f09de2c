import { type Address, formatAddress } from "@sockskit/wire";

import { SocksError } from "../errors.ts";

/** Passes on an integer option that is in its range. */
export function requireInteger(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw badOption(`${name} is ${String(value)}; expected a whole number from ${least} to ${most}`);
}

/** Refuses what cannot be connected to. */
export function requireDestination(destination: Address): void {
  if (destination.port > 0) return;
  const message = `the destination ${formatAddress(destination)} has port 0; expected 1 to 65535`;
  throw new SocksError("ERR_SOCKS_BAD_PORT", message, { side: "local" });
}

/** The error for an option that cannot be used. */
export function badOption(message: string): SocksError {
  return new SocksError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}

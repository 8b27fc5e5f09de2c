import { type Address, WireError, formatAddress, formatHost, parseHostPort, parseIpAddress } from "@sockskit/wire";

import { usageError } from "./cli-error.ts";

/**
 * The destination that a command line names: `host:port`.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parseTarget(text: string): Address {
  return parseArgument(text, 1);
}

/**
 * The peer that a command line names: `host`, `host:port`.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parsePeer(text: string): Address {
  return parseIpAddress(text) ?? parseArgument(text, 0, 0);
}

/** The peer as it was written: without a port when it has none. */
export function peerName(peer: Address): string {
  return peer.port === 0 ? formatHost(peer) : formatAddress(peer);
}

/**
 * Where to listen: `port`, `address:port`, `[v6]:port`.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parseListenAddress(text: string): { readonly host: string; readonly port: number } {
  const { type, host, port } = parseArgument(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text, 0);
  if (type !== "domain") return { host, port };
  if (host === "localhost") return { host: "127.0.0.1", port };
  throw usageError(`"${text}": ${host} is no address of this host; expected for example 127.0.0.1:8080 or 8080`);
}

function parseArgument(text: string, minimalPort: number, defaultPort?: number): Address {
  let address: Address;
  try {
    address = parseHostPort(text, defaultPort);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    // What stands where a port belongs may be a password: name:password is written that way too.
    const colon = text.lastIndexOf(":");
    const isShown = colon < 0 || error.code !== "ERR_SOCKS_BAD_PORT" || /^\d*$/.test(text.slice(colon + 1));
    if (isShown) throw usageError(error.message);
    throw usageError(`what follows "${text.slice(0, colon)}:" is no port; expected digits, 0 to 65535`);
  }
  if (address.port >= minimalPort) return address;
  throw usageError(`"${text}": port 0 is none; expected 1 to 65535`);
}

import { type IpAddress, ipv4Address } from "@sockskit/wire";

/**
 * What the client of a Unix socket counts as, for rules, limits and logs: whoever can open the file is a program on this
 * host, and no TCP connection has port 0.
 */
export const UNIX_CLIENT: IpAddress = ipv4Address(Uint8Array.of(127, 0, 0, 1), 0);

/** Whether this stands for the client of a Unix socket. */
export function isUnixClient({ host, port }: IpAddress): boolean {
  return port === UNIX_CLIENT.port && host === UNIX_CLIENT.host;
}

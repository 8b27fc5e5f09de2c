import type { SocketOptions } from "node:dgram";

/** Node asks for an address at each datagram; those here are addresses already, and no name is ever looked up. */
export const literalOnly: NonNullable<SocketOptions["lookup"]> = (host, _options, callback) => callback(null, host, 0);

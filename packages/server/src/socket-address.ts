import type { Socket } from "node:net";
import { type IpAddress, parseIpAddress, unmapAddress } from "@sockskit/wire";

/** The other end of a connection, an IPv4-mapped address as what it is. `undefined` when it is gone already. */
export function remoteAddressOf(socket: Socket): IpAddress | undefined {
  return ipAddress(socket.remoteAddress, socket.remotePort);
}

/** Our end of a connection, an IPv4-mapped address as what it is. `undefined` when it is gone already. */
export function localAddressOf(socket: Socket): IpAddress | undefined {
  return ipAddress(socket.localAddress, socket.localPort);
}

function ipAddress(host: string | undefined, port: number | undefined): IpAddress | undefined {
  const address = host === undefined ? undefined : parseIpAddress(host, port);
  return address === undefined ? undefined : unmapAddress(address);
}

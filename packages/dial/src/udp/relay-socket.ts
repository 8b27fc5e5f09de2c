import dgram from "node:dgram";
import net from "node:net";

import type { IpAddress } from "@sockskit/wire";

/**
 * Opens a UDP socket that exchanges datagrams with one relay and with nobody else: the system drops what others send.
 * One of the two functions is called once, later. The returned one frees the socket, at any time.
 *
 * @param controlAddress - This host's end of the control connection. The socket gets the same one where it can: relays
 *   take datagrams only from where the control connection comes from.
 */
export function openRelaySocket(
  relay: IpAddress,
  controlAddress: string | undefined,
  onOpen: (socket: dgram.Socket) => void,
  onFailed: (error: Error) => void,
): () => void {
  const version = relay.type === "ipv4" ? 4 : 6;
  const address = controlAddress !== undefined && net.isIP(controlAddress) === version ? controlAddress : undefined;
  const zone = relay.type === "ipv6" && relay.zone !== undefined ? `%${relay.zone}` : "";
  const socket = dgram.createSocket(`udp${version}`);
  const finish = (report: () => void): void => {
    socket.removeListener("error", failed);
    socket.removeListener("connect", opened);
    report();
  };
  const failed = (error: Error): void => finish(() => onFailed(error));
  const opened = (): void => finish(() => onOpen(socket));
  socket.on("error", failed);
  socket.on("connect", opened);
  // Exclusive: workers of a cluster would share one socket, and each other's datagrams.
  socket.bind({ port: 0, exclusive: true, ...(address !== undefined && { address }) }, () => {
    socket.connect(relay.port, relay.host + zone);
  });
  return () => {
    socket.removeListener("connect", opened);
    socket.removeListener("error", failed);
    socket.on("error", () => undefined);
    closeQuietly(socket);
  };
}

/** Closes a socket that may be closed already. */
export function closeQuietly(socket: dgram.Socket): void {
  try {
    socket.close();
  } catch {
    // It says by an exception that there is nothing left to do.
  }
}

import net from "node:net";

import type { IpAddress } from "@sockskit/wire";

import type { OutgoingSettings } from "./socket-options.ts";

/**
 * Opens one connection to one address. One of the two functions is called once, later. The returned one frees the
 * socket, at any time.
 */
export function openSocket(
  address: IpAddress,
  settings: OutgoingSettings,
  onConnected: (socket: net.Socket) => void,
  onFailed: (error: Error) => void,
): () => void {
  const zone = address.type === "ipv6" ? address.zone : undefined;
  const socket = new net.Socket(settings.socket);
  const connected = (): void => {
    socket.removeListener("connect", connected);
    socket.removeListener("error", failed);
    onConnected(socket);
  };
  const failed = (error: Error): void => {
    socket.removeListener("connect", connected);
    socket.removeListener("error", failed);
    onFailed(error);
  };
  socket.on("connect", connected);
  socket.on("error", failed);
  // Always a literal: there is nothing to look up, and nothing for Node to race.
  socket.connect({
    host: zone === undefined ? address.host : `${address.host}%${zone}`,
    port: address.port,
    ...settings.bind,
  });
  return () => {
    socket.removeListener("connect", connected);
    socket.removeListener("error", failed);
    socket.destroy();
  };
}

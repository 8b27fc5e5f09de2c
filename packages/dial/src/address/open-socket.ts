import net from "node:net";

import type { IpAddress } from "@sockskit/wire";

import type { OutgoingSettings } from "./socket-options.ts";

/** Silence after which the first keep-alive probe goes out, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * Opens one connection to one address. Exactly one of the two functions is called, later, unless the returned one was
 * called before: it frees the socket.
 */
export function openSocket(
  address: IpAddress,
  settings: OutgoingSettings,
  onConnected: (socket: net.Socket) => void,
  onFailed: (error: Error) => void,
): () => void {
  const zone = address.type === "ipv6" ? address.zone : undefined;
  const socket = net.connect({
    host: zone === undefined ? address.host : `${address.host}%${zone}`,
    port: address.port,
    family: address.type === "ipv4" ? 4 : 6,
    // Families are raced here, by addresses that were checked; Node must not start a race of its own.
    autoSelectFamily: false,
    allowHalfOpen: settings.allowHalfOpen,
    noDelay: settings.noDelay,
    keepAlive: settings.keepAlive,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    ...(settings.localAddress === undefined ? {} : { localAddress: settings.localAddress }),
  });
  const forget = (): void => {
    socket.removeListener("connect", connected);
    socket.removeListener("error", failed);
  };
  const connected = (): void => {
    forget();
    onConnected(socket);
  };
  const failed = (error: Error): void => {
    forget();
    onFailed(error);
  };
  socket.on("connect", connected);
  socket.on("error", failed);
  return () => {
    forget();
    socket.destroy();
  };
}

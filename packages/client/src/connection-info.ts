import type { Socket } from "node:net";

import type { DialledTunnel } from "@sockskit/dial";
import { formatProxyUrl } from "@sockskit/url";
import type { Address } from "@sockskit/wire";

/** What is known about a connection besides its socket. Plain data without secrets. */
export interface ConnectionInfo {
  /** Where it leads. */
  readonly target: Address;
  /** The proxies on the way, nearest first, without passwords; none when the proxy's URL lists the target as direct. */
  readonly proxies: readonly string[];
  /**
   * The near end of the last proxy's own connection to the target, as that proxy told; often zeros. `undefined` when it
   * told no address.
   */
  readonly boundAddress: Address | undefined;
}

interface Connection {
  readonly tunnel: DialledTunnel;
  readonly target: Address;
}

// Not a property of the socket: that belongs to the caller, who may log it.
const connections = new WeakMap<Socket, Connection>();

/** Keeps what {@link connectionInfo} tells. */
export function rememberConnection(tunnel: DialledTunnel, target: Address): void {
  connections.set(tunnel.socket, { tunnel, target });
}

/** Tells about a socket that `connect` gave; `undefined` for any other. */
export function connectionInfo(socket: Socket): ConnectionInfo | undefined {
  const connection = connections.get(socket);
  if (connection === undefined) return undefined;
  const { tunnel, target } = connection;
  const proxies = tunnel.hops.map((hop) => formatProxyUrl(hop));
  return { target, proxies, boundAddress: tunnel.boundAddress };
}

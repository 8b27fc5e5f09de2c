import type { Socket } from "node:net";

import type { DialledTunnel } from "@sockskit/dial";
import { formatProxyUrl } from "@sockskit/url";
import type { Address } from "@sockskit/wire";

/** What is known about a connection besides its socket. Plain data without secrets. */
export interface ConnectionInfo {
  /** Where it leads; with `bind`, who connected, as the proxy told. */
  readonly target: Address;
  /**
   * The proxies on the way, nearest first, without passwords, one given as `auto` by the scheme of what it speaks; none
   * when the proxy's URL lists the target as direct.
   */
  readonly proxies: readonly string[];
  /**
   * The near end of the last proxy's own connection to the target, as that proxy told; often zeros. `undefined` when it
   * told no address. With `bind`, where the proxy listened.
   */
  readonly boundAddress: Address | undefined;
}

/** What is kept until somebody asks. */
interface Connection {
  readonly target: Address;
  readonly hops: DialledTunnel["hops"];
  readonly boundAddress: Address | undefined;
}

// On the socket itself: a WeakMap would make up a tenth of a connect's processor time.
const CONNECTION: unique symbol = Symbol("sockskit.connection");

/** Keeps what {@link connectionInfo} tells; gives the socket. */
export function rememberConnection({ socket, hops, boundAddress }: DialledTunnel, target: Address): Socket {
  (socket as { [CONNECTION]?: Connection })[CONNECTION] = { target, hops, boundAddress };
  return socket;
}

/** Tells about a socket that `connect` or `bind` gave; `undefined` for any other. */
export function connectionInfo(socket: Socket): ConnectionInfo | undefined {
  const connection = (socket as { [CONNECTION]?: Connection })[CONNECTION];
  if (connection === undefined) return undefined;
  const { target, hops, boundAddress } = connection;
  return { target, proxies: hops.map((hop) => formatProxyUrl(hop)), boundAddress };
}

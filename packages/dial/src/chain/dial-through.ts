import type { Socket } from "node:net";

import type { Address } from "@sockskit/wire";

import { type OutgoingOptions, outgoingSettings } from "../address/socket-options.ts";
import { openWay } from "../discovery/discovery.ts";
import type { DiscoveryOptions } from "../discovery/discovery-options.ts";
import { Operation, type StageTimeouts } from "../internal/operation.ts";
import { requireDestination } from "../internal/require.ts";
import type { ProxyHop } from "./hop.ts";
import { createObserver, type ObserverOptions } from "./observer.ts";
import type { TunnelTask } from "./tunnel.ts";

/** Where and how {@link dialThrough} connects. */
export interface DialThroughOptions extends OutgoingOptions, ObserverOptions {
  /** The proxies, nearest first: 1 to 16. Each is reached through those before it. */
  readonly chain: readonly ProxyHop[];
  /** Where to. A name is resolved by the scheme of the last proxy. */
  readonly destination: Address;
  /** Deadline of the whole way, look-ups and all handshakes included, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Deadlines of single stages, each hop anew. Default: only the whole way has one. */
  readonly stageTimeoutsMs?: StageTimeouts | undefined;
  /** How the version of proxies whose scheme is `auto` is found out. */
  readonly discovery?: DiscoveryOptions | undefined;
  /** Gives up; everything that was opened is closed. */
  readonly signal?: AbortSignal | undefined;
  /** `true` fails on harmless deviations of a proxy from the specification. Default `false`. */
  readonly strict?: boolean | undefined;
}

/** A tunnel that {@link dialThrough} opened. */
export interface DialledTunnel {
  /**
   * Connected to the destination. What the destination said already is the first that is read. Its `remoteAddress` is
   * the proxy's.
   */
  readonly socket: Socket;
  /**
   * The end of the last proxy's own connection, as that proxy told; often zeros. `undefined` when it told no address,
   * and without a proxy.
   */
  readonly boundAddress: Address | undefined;
  /** The proxies on the way, one given as `auto` by what it turned out to be; none when the proxy's URL lists the destination as directly connected. */
  readonly hops: readonly ProxyHop[];
}

/**
 * Opens a tunnel through one or more SOCKS proxies. Versions may be mixed; each hop's scheme decides who resolves the
 * name of what comes next. Address literals are never sent as names. What a proxy given as `auto` speaks is found out on
 * the way, and remembered.
 *
 * The socket has no listener when the promise settles: attach yours, `error` above all, before the next `await`.
 *
 * @throws SocksError whose `stage` and `hop` say where; all codes are in `docs/errors.md`. An exception of `onProgress`
 *   or `onOctets` is passed on as it is.
 */
export function dialThrough(options: DialThroughOptions): Promise<DialledTunnel> {
  return new Promise((resolve, reject) => {
    const { chain, destination, timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false } = options;
    const settings = outgoingSettings(options);
    requireDestination(destination);
    const operation = new Operation<DialledTunnel>({ timeoutMs, stageTimeoutsMs, signal }, resolve, reject);
    const task: TunnelTask = {
      command: "connect",
      destination,
      strict,
      onOpen: (tunnel) => operation.succeed(tunnel),
    };
    operation.run(() => {
      const observer = createObserver(options, operation);
      openWay(operation, chain, task, settings, observer, options.discovery);
    });
  });
}

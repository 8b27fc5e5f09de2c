import type { Socket } from "node:net";

import { type Address, formatAddress, type IpAddress } from "@sockskit/wire";

import { connectAddress, type Peer } from "../address/connect-address.ts";
import { type OutgoingOptions, outgoingSettings, type OutgoingSettings } from "../address/socket-options.ts";
import { Operation, type StageTimeouts } from "../internal/operation.ts";
import { requireDestination } from "../internal/require.ts";
import type { Hop, ProxyHop } from "./hop.ts";
import { createObserver, type Observer, type ObserverOptions } from "./observer.ts";
import { planRoute, requireChain, type RouteStep } from "./plan-route.ts";
import { runHandshake } from "./run-handshake.ts";

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
  /** The proxies on the way; none when the proxy's URL lists the destination as directly connected. */
  readonly hops: readonly ProxyHop[];
}

/**
 * Opens a tunnel through one or more SOCKS proxies. Versions may be mixed; each hop's scheme decides who resolves the
 * name of what comes next. Address literals are never sent as names.
 *
 * The socket has no listener when the promise settles: attach yours, `error` above all, before the next `await`.
 *
 * @throws SocksError whose `stage` and `hop` say where; all codes are in `docs/errors.md`. An exception of `onProgress`
 *   or `onOctets` is passed on as it is.
 */
export async function dialThrough(options: DialThroughOptions): Promise<DialledTunnel> {
  const { destination, timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false } = options;
  const settings = outgoingSettings(options);
  const hops = requireChain(options.chain);
  requireDestination(destination);
  const operation = new Operation({ timeoutMs, stageTimeoutsMs, signal });
  const observer = createObserver(options, operation);
  let socket: Socket | undefined;
  try {
    const route = await planRoute(operation, hops, destination, settings, strict, observer);
    if ("direct" in route) {
      ({ socket } = await connectAddress(operation, route.direct, settings, targetPeer(route.direct, observer)));
      operation.throwIfInterrupted();
      return { socket, boundAddress: undefined, hops: [] };
    }
    socket = await connectProxy(operation, hops[0] as Hop, settings, observer);
    const boundAddress = await runHandshakes(operation, socket, route.steps, observer);
    operation.throwIfInterrupted();
    return { socket, boundAddress, hops: options.chain };
  } catch (error) {
    socket?.destroy();
    throw error;
  } finally {
    operation.release();
  }
}

async function connectProxy(
  operation: Operation,
  hop: Hop,
  settings: OutgoingSettings,
  observer: Observer,
): Promise<Socket> {
  const { socket } = await connectAddress(operation, hop.proxy.address, settings, {
    stage: "dial-proxy",
    hop: hop.reference,
    unreachable: "ERR_SOCKS_PROXY_UNREACHABLE",
    title: hop.title,
    awaited: () => `${hop.title()} to accept the connection`,
    onAttempt: observeAttempts(hop, observer),
  });
  return socket;
}

/** Runs the handshakes one after the other; gives the address that the last proxy told. */
async function runHandshakes(
  operation: Operation,
  socket: Socket,
  steps: readonly RouteStep[],
  observer: Observer,
): Promise<Address | undefined> {
  let trailing: Uint8Array | undefined;
  let boundAddress: Address | undefined;
  for (const { hop, machine, destination } of steps) {
    const result = await runHandshake(operation, socket, hop, machine, destination, observer, trailing);
    trailing = result.trailing;
    boundAddress = result.established.boundAddress;
  }
  // Before anybody can listen: what the destination said first must be read first.
  if (trailing !== undefined) socket.unshift(trailing);
  return boundAddress;
}

function targetPeer(address: IpAddress, observer: Observer): Peer {
  const title = (): string => formatAddress(address);
  return {
    stage: "request",
    unreachable: "ERR_SOCKS_TARGET_UNREACHABLE",
    title,
    awaited: () => `${title()} to accept the connection`,
    onAttempt: observeAttempts(undefined, observer),
  };
}

function observeAttempts(hop: Hop | undefined, { progress }: Observer): Peer["onAttempt"] {
  if (progress === undefined) return undefined;
  return (address, outcome) => {
    if (outcome instanceof Error) progress(hop, { step: "attempt-failed", address, error: outcome });
    else progress(hop, { step: outcome, address });
  };
}

import type { Socket } from "node:net";

import { MAX_EARLY_DATA_LENGTH } from "@sockskit/handshake";
import type { Address } from "@sockskit/wire";

import { AuthPlan } from "../auth/auth-plan.ts";
import type { ProxyAuthOptions } from "../auth/proxy-auth.ts";
import { type OutgoingOptions, outgoingSettings } from "../address/socket-options.ts";
import { openWay } from "../discovery/discovery.ts";
import type { DiscoveryOptions } from "../discovery/discovery-options.ts";
import { isSocksError, SocksError } from "../errors.ts";
import { Operation, type StageTimeouts } from "../internal/operation.ts";
import { badOption, requireDestination } from "../internal/require.ts";
import type { ProxyHop } from "./hop.ts";
import { createObserver, type ObserverOptions } from "./observer.ts";
import { routeOf, type RouteOptions } from "./route.ts";
import type { TunnelTask } from "./tunnel.ts";

/** Where and how {@link dialThrough} connects. */
export interface DialThroughOptions extends RouteOptions, OutgoingOptions, ObserverOptions {
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
  /**
   * Octets for the destination that are sent behind the last request, before the proxy has answered it: one round trip
   * less. At most 65536. For proxies that take them, such as Tor and this project's server; others drop them or fail.
   * The octets are the first that the destination gets. When the call fails after they were sent, `earlyOctetsSent` of the
   * error says so, and nobody knows what became of them. Default none.
   */
  readonly earlyData?: Uint8Array | undefined;
  /** How this side shows SOCKS 5 proxies who it is. Default: nobody is asked, or user name and password of the URL. */
  readonly proxyAuth?: ProxyAuthOptions | undefined;
  /** `true` fails on harmless deviations of a proxy from the specification. Default `false`. */
  readonly strict?: boolean | undefined;
}

/** A tunnel that {@link dialThrough} opened. */
export interface DialledTunnel {
  /**
   * Connected to the destination. What the destination said already is the first that is read. Its `remoteAddress` is
   * the proxy's. Where TLS was made on the way, it is that of the last proxy with TLS: a `TLSSocket` of `node:tls`.
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
 * Opens a tunnel through one or more proxies: SOCKS and HTTP, with and without TLS, in any order; each hop's scheme decides who resolves the
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
    const { destination, timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false, earlyData } = options;
    const settings = outgoingSettings(options);
    const { chain, hopSettings } = routeOf(options);
    requireDestination(destination);
    requireEarlyData(earlyData, chain);
    let earlyOctetsSent = 0;
    const fail = earlyData === undefined ? reject : noting(() => earlyOctetsSent, reject);
    const operation = new Operation<DialledTunnel>({ timeoutMs, stageTimeoutsMs, signal }, resolve, fail);
    const task: TunnelTask = {
      command: "connect",
      destination,
      strict,
      earlyData,
      onEarlySent: (octetCount) => {
        earlyOctetsSent += octetCount;
      },
      hopSettings,
      auth: new AuthPlan(options.proxyAuth),
      onOpen: (tunnel) => operation.succeed(tunnel),
    };
    operation.run(() => {
      const observer = createObserver(options, operation);
      openWay(operation, chain, task, settings, observer, options.discovery);
    });
  });
}

/** Refuses what is too long in whatever way it goes, and what might be sent once for each version that is tried. */
function requireEarlyData(earlyData: Uint8Array | undefined, chain: readonly ProxyHop[]): void {
  if (earlyData === undefined) return;
  if (chain.at(-1)?.version === "auto") {
    throw badOption("earlyData needs a last proxy whose version is known; expected another scheme than auto");
  }
  if (earlyData.length <= MAX_EARLY_DATA_LENGTH) return;
  const message = `earlyData has ${earlyData.length} octets; expected at most ${MAX_EARLY_DATA_LENGTH}`;
  throw new SocksError("ERR_SOCKS_OVERFLOW", message, { side: "local" });
}

/** Says in a failure that early data is gone. */
function noting(sentCount: () => number, reject: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    const earlyOctetsSent = sentCount();
    if (earlyOctetsSent === 0 || !isSocksError(error)) return reject(error);
    const { code, message, side, stage, hop, reply, httpStatus, cause } = error;
    const early = `; ${earlyOctetsSent} octets of early data had been sent, and may have reached the destination`;
    return reject(
      new SocksError(code, message + early, { side, stage, hop, reply, httpStatus, cause, earlyOctetsSent }),
    );
  };
}

import type { Socket } from "node:net";

import type { Address } from "@sockskit/wire";

import { connectAddress } from "../address/connect-address.ts";
import type { DialledAddress } from "../address/dial-address.ts";
import { type OutgoingOptions, outgoingSettings } from "../address/socket-options.ts";
import { Operation, type StageTimeouts } from "../internal/operation.ts";
import { Hop, type ProxyHop } from "./hop.ts";
import { createObserver, type ObserverOptions } from "./observer.ts";
import { sendProxyHeader } from "./proxy-header.ts";
import { type ChainHop, type RouteOptions, routeOf } from "./route.ts";
import { secureHop } from "./secure-hop.ts";
import { attemptObserver } from "./tunnel.ts";

/** Which proxy {@link dialProxy} connects to, and how. */
export interface DialProxyOptions extends Pick<RouteOptions, "tls">, OutgoingOptions, ObserverOptions {
  /** The proxy. */
  readonly proxy: ChainHop;
  /** Where to dial instead of what the URL says: what an earlier call found. The name to check stays that of the URL. */
  readonly address?: Address | undefined;
  /** Deadline of the whole, the look-up and TLS included, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Deadlines of single stages. Default: only the whole has one. */
  readonly stageTimeoutsMs?: StageTimeouts | undefined;
  /** Gives up; everything that was opened is closed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to a proxy and stops before anything is asked of it: TCP, a PROXY header, TLS, as far as its URL and options
 * say. For who speaks to it otherwise than {@link dialThrough}.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_RESOLVE_FAILED`, `ERR_SOCKS_PROXY_UNREACHABLE`,
 *   `ERR_SOCKS_ADDRESS_DENIED`, `ERR_SOCKS_PROXY_CLOSED`, `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`, and those of TLS:
 *   `ERR_SOCKS_NOT_TLS`, `ERR_SOCKS_TLS_EXPIRED`, `ERR_SOCKS_TLS_FAILED`, `ERR_SOCKS_TLS_UNTRUSTED`,
 *   `ERR_SOCKS_TLS_WRONG_NAME`.
 */
export function dialProxy(options: DialProxyOptions): Promise<DialledAddress> {
  return new Promise((resolve, reject) => {
    const { timeoutMs = 30_000, stageTimeoutsMs, signal, tls } = options;
    const settings = outgoingSettings(options);
    const { chain, hopSettings } = routeOf({ chain: [options.proxy], tls });
    const hop = new Hop(chain[0] as ProxyHop, 0, 1, hopSettings[0]);
    const operation = new Operation<DialledAddress>({ timeoutMs, stageTimeoutsMs, signal }, resolve, reject);
    operation.run(() => {
      const observer = createObserver(options, operation);
      const onAttempt = attemptObserver(hop, observer);
      const where = options.address ?? hop.proxy.address;
      connectAddress(operation, where, settings, hop, onAttempt, (socket: Socket, address) => {
        const { proxyProtocol, tls: tlsSettings } = hop.settings;
        if (proxyProtocol !== undefined) sendProxyHeader(socket, hop, proxyProtocol, observer);
        if (tlsSettings === undefined) return operation.succeed({ socket, address });
        secureHop(operation, socket, hop, tlsSettings, observer, (secured) =>
          operation.succeed({ socket: secured, address }),
        );
      });
    });
  });
}

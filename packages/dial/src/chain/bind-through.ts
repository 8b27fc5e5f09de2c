import { type Address, formatAddress } from "@sockskit/wire";

import { AuthPlan } from "../auth/auth-plan.ts";
import { outgoingSettings } from "../address/socket-options.ts";
import { openWay } from "../discovery/discovery.ts";
import { SocksError } from "../errors.ts";
import { type Activity, Operation, requireTimeout } from "../internal/operation.ts";
import type { DialledTunnel, DialThroughOptions } from "./dial-through.ts";
import { type Hop, type ProxyHop, requireSingleHop } from "./hop.ts";
import { nameOf } from "./hop-errors.ts";
import { createObserver } from "./observer.ts";
import { type ChainHop, routeOf } from "./route.ts";
import { requireUsableAddress } from "./told-address.ts";
import type { TunnelTask } from "./tunnel.ts";

/** Time for the peer to connect. A proxy's own limit is 2 minutes; a little more, so that it is the proxy who says so. */
const ACCEPT_TIMEOUT_MS = 130_000;

/** Whom {@link bindThrough} expects, at which proxy, and how. */
export interface BindThroughOptions extends Omit<DialThroughOptions, "destination" | "earlyData"> {
  /** The proxy: a chain of one. Listening behind other proxies is refused. */
  readonly chain: readonly ChainHop[];
  /**
   * Who is expected to connect. Proxies compare the address and not the port, which may be 0. An unspecified address
   * means anybody, where the proxy allows that. A name is resolved by the scheme of the proxy.
   */
  readonly peer: Address;
  /** Deadline of the way until the proxy listens, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** How long the peer may take to connect after that, in milliseconds. Default 130000; proxies wait for 2 minutes. */
  readonly acceptTimeoutMs?: number | undefined;
}

/** A proxy that listens for one connection, see {@link bindThrough}. */
export interface DialledListener {
  /** Where the peer must connect to. Where the proxy told an unspecified address, it is the proxy's own. */
  readonly address: Address;
  /** The proxy. */
  readonly hops: readonly ProxyHop[];
  /**
   * The connection of the peer, whose address is its `boundAddress`. The socket has no listener when it settles. It
   * rejects with a SocksError when nobody came in time, the proxy refused who came, or `close` was called.
   */
  readonly connection: Promise<DialledTunnel>;
  /** Gives up; the proxy then stops listening. Does nothing once the connection is there: its socket is yours. */
  close(): void;
}

/**
 * Asks a SOCKS proxy to listen for one connection (BIND: RFC 1928 section 6, and SOCKS 4). `signal` counts until the
 * connection is there.
 *
 * @throws SocksError as `dialThrough`; and `ERR_SOCKS_BAD_OPTION` for more than one proxy, `ERR_SOCKS_BAD_ADDRESS` when
 *   the proxy tells no address that a peer could connect to.
 */
export function bindThrough(options: BindThroughOptions): Promise<DialledListener> {
  return new Promise((resolve, reject) => {
    const { peer, timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false } = options;
    const acceptTimeoutMs = requireTimeout("acceptTimeoutMs", options.acceptTimeoutMs ?? ACCEPT_TIMEOUT_MS);
    const settings = outgoingSettings(options);
    const { chain, hopSettings } = routeOf(options);
    requireSingleHop(chain, "BIND");
    const accepted = new Settlement<DialledTunnel>();
    let fail = reject;
    const operation = new Operation<DialledTunnel>({ timeoutMs, stageTimeoutsMs, signal }, accepted.resolve, (error) =>
      fail(error),
    );
    const task: TunnelTask = {
      command: "bind",
      destination: peer,
      strict,
      hopSettings,
      auth: new AuthPlan(options.proxyAuth),
      onListening: (hop, socket, boundAddress) => {
        const address = requireUsableAddress(boundAddress, socket, hop, "it listens");
        const activity = new AwaitedPeer(hop, peer, address);
        fail = accepted.reject;
        operation.extend(acceptTimeoutMs, "acceptTimeoutMs", activity);
        resolve({
          address,
          hops: chain,
          connection: accepted.promise,
          close: () => operation.fail(activity.givenUp()),
        });
      },
      onOpen: (tunnel) => operation.succeed(tunnel),
    };
    operation.run(() => {
      const observer = createObserver(options, operation);
      openWay(operation, chain, task, settings, observer, options.discovery);
    });
  });
}

/** A promise that is settled from outside, and that nobody need wait for. */
class Settlement<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who closes the listener need not wait for its connection first.
    this.promise.catch(() => undefined);
  }
}

/** The peer of a BIND, while it is awaited. */
class AwaitedPeer implements Activity {
  readonly #hop: Hop;
  readonly #peer: Address;
  readonly #address: Address;

  constructor(hop: Hop, peer: Address, address: Address) {
    this.#hop = hop;
    this.#peer = peer;
    this.#address = address;
  }

  reference(): ReturnType<Hop["reference"]> {
    return this.#hop.reference();
  }

  awaited(): string {
    return `${nameOf(this.#peer)} to connect to ${formatAddress(this.#address)}, where ${this.#hop.title()} listens`;
  }

  givenUp(): SocksError {
    const message = `closed by the caller while waiting for ${this.awaited()}`;
    return new SocksError("ERR_SOCKS_ABORTED", message, { side: "local", stage: "request", hop: this.reference() });
  }
}

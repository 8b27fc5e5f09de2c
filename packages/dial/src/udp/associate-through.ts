import type dgram from "node:dgram";
import type { Socket } from "node:net";

import { formatProxyUrl } from "@sockskit/url";
import { type Address, formatAddress, type IpAddress, ipv4Address, withPort } from "@sockskit/wire";

import { AuthPlan } from "../auth/auth-plan.ts";
import { resolveHost } from "../address/resolve-host.ts";
import { type OutgoingSettings, outgoingSettings, refusalOf } from "../address/socket-options.ts";
import type { DialledTunnel, DialThroughOptions } from "../chain/dial-through.ts";
import { type Hop, type ProxyHop, requireSingleHop } from "../chain/hop.ts";
import { createObserver } from "../chain/observer.ts";
import { type ChainHop, routeOf } from "../chain/route.ts";
import { requireUsableAddress } from "../chain/told-address.ts";
import type { TunnelTask } from "../chain/tunnel.ts";
import { openWay } from "../discovery/discovery.ts";
import { SocksError } from "../errors.ts";
import { Operation } from "../internal/operation.ts";
import { badOption } from "../internal/require.ts";
import { datagramSettings, type DatagramOptions, type DatagramSettings } from "./datagram-options.ts";
import { openRelaySocket } from "./relay-socket.ts";
import { TargetNames } from "./target-names.ts";
import { controlLost, relayError, UdpAssociation } from "./udp-association.ts";

/** Through which proxy {@link associateThrough} relays datagrams, and who gets them. */
export interface AssociateThroughOptions
  extends Omit<DialThroughOptions, "destination" | "allowHalfOpen" | "earlyData">, DatagramOptions {
  /** The proxy: a chain of one, SOCKS 5. UDP behind other proxies is refused. */
  readonly chain: readonly ChainHop[];
  /**
   * `true` allows datagrams in clear text to a proxy that is reached over TLS, which protects its control connection only.
   * Default `false`: that is refused.
   */
  readonly plainDatagrams?: boolean | undefined;
  /** Deadline until datagrams can be sent, and of each later look-up, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Gives up, and ends the association later as well. */
  readonly signal?: AbortSignal | undefined;
  /** Notices a proxy that has vanished, by probes after a minute of silence. Default `true`. */
  readonly keepAlive?: boolean | undefined;
}

/** The address that says: datagrams will come from somewhere (RFC 1928 section 6). */
const UNKNOWN_SOURCE: Address = ipv4Address(new Uint8Array(4), 0);

/**
 * Asks a SOCKS 5 proxy to relay datagrams (UDP ASSOCIATE, RFC 1928 sections 6 and 7), and opens the socket to its relay.
 *
 * @throws SocksError as `dialThrough`; and `ERR_SOCKS_BAD_OPTION` for more than one proxy, `ERR_SOCKS_NOT_REPRESENTABLE`
 *   for SOCKS 4, `ERR_SOCKS_BAD_ADDRESS` when the proxy tells no address to send to, `ERR_SOCKS_ADDRESS_DENIED` when
 *   `check` refuses that address, `ERR_SOCKS_PROXY_UNREACHABLE` when this host cannot send there.
 */
export function associateThrough(options: AssociateThroughOptions): Promise<UdpAssociation> {
  return new Promise((resolve, reject) => {
    const { timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false, keepAlive = true } = options;
    const settings = outgoingSettings({ ...options, keepAlive });
    const datagrams = datagramSettings(options);
    const { chain, hopSettings } = routeOf(options);
    requireSingleHop(chain, "UDP ASSOCIATE");
    if (options.plainDatagrams !== true) requireNoTls(chain);
    const operation = new Operation<UdpAssociation>({ timeoutMs, stageTimeoutsMs, signal }, resolve, reject);
    const auth = new AuthPlan(options.proxyAuth, true);
    const task: TunnelTask = {
      command: "udp-associate",
      destination: UNKNOWN_SOURCE,
      strict,
      hopSettings,
      auth,
      onOpen: (tunnel, hop) =>
        new Opening(operation, tunnel, hop as Hop, settings, datagrams, timeoutMs, signal, auth).begin(),
    };
    operation.run(() => {
      const observer = createObserver(options, operation);
      openWay(operation, chain, task, settings, observer, options.discovery);
    });
  });
}

/** Who asks for TLS expects it for all that is sent. */
function requireNoTls([proxy]: readonly ProxyHop[]): void {
  if (proxy?.tls !== true) return;
  const what = `TLS protects the control connection to ${formatProxyUrl(proxy)}, but not the datagrams to its relay`;
  throw badOption(
    `${what}; allow that they travel in clear text (plainDatagrams, --plain-datagrams), or use another proxy`,
  );
}

/** From the proxy's answer to a socket that is connected to its relay. */
class Opening {
  readonly #operation: Operation<UdpAssociation>;
  readonly #control: Socket;
  readonly #boundAddress: Address | undefined;
  readonly #hop: Hop;
  readonly #settings: OutgoingSettings;
  readonly #datagrams: DatagramSettings;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #auth: AuthPlan;

  constructor(
    operation: Operation<UdpAssociation>,
    { socket, boundAddress }: DialledTunnel,
    hop: Hop,
    settings: OutgoingSettings,
    datagrams: DatagramSettings,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    auth: AuthPlan,
  ) {
    this.#auth = auth;
    this.#operation = operation;
    this.#control = socket;
    this.#boundAddress = boundAddress;
    this.#hop = hop;
    this.#settings = settings;
    this.#datagrams = datagrams;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  begin(): void {
    const control = this.#control;
    const address = requireUsableAddress(this.#boundAddress, control, this.#hop, "it relays datagrams");
    const free = (): void => void control.destroy();
    this.#operation.hold(free);
    control.on("error", this.#onBroken);
    if (address.type !== "domain") return this.#open(address);
    const { family, resolver } = this.#settings;
    const relay = new Relay(this.#hop, address);
    const open = (found: readonly IpAddress[]): void => {
      // Where the control connection got through, datagrams are most likely to.
      const type = control.remoteFamily === "IPv6" ? "ipv6" : "ipv4";
      const chosen = found.find((candidate) => candidate.type === type) ?? found[0];
      if (chosen !== undefined) this.#open(withPort(chosen, address.port));
    };
    resolveHost(this.#operation, address.host, family, resolver, relay, open, free);
  }

  #open(relay: IpAddress): void {
    this.#operation.enter("request", this.#hop);
    const refusal = refusalOf(relay, { ...this.#settings, family: "auto" });
    if (refusal !== undefined) {
      const code = refusal.denied ? "ERR_SOCKS_ADDRESS_DENIED" : "ERR_SOCKS_PROXY_UNREACHABLE";
      const message = `nothing is sent to ${formatAddress(relay)}, where ${this.#hop.title()} relays datagrams: ${refusal.error.message}`;
      const options = { side: "local", stage: "request", hop: this.#hop.reference(), cause: refusal.error } as const;
      return this.#operation.fail(new SocksError(code, message, options));
    }
    const control = this.#control;
    const cancel = openRelaySocket(
      relay,
      control.localAddress,
      (socket) => this.#operation.run(() => this.#finish(socket, relay)),
      (error) => this.#operation.fail(relayError(this.#hop, relay, error)),
    );
    this.#operation.hold(() => {
      cancel();
      control.destroy();
    });
  }

  #finish(socket: dgram.Socket, relayAddress: IpAddress): void {
    this.#control.removeListener("error", this.#onBroken);
    this.#operation.succeed(
      new UdpAssociation({
        hop: this.#hop,
        control: this.#control,
        socket,
        relayAddress,
        names: new TargetNames(this.#hop, this.#settings, this.#timeoutMs),
        datagrams: this.#datagrams,
        protection: this.#auth.datagramsOf(this.#hop.proxy),
        signal: this.#signal,
      }),
    );
  }

  readonly #onBroken = (error: Error): void => this.#operation.fail(controlLost(this.#hop, error));
}

/** The relay, while its name is looked up. */
class Relay {
  readonly #hop: Hop;
  readonly #address: Address;

  constructor(hop: Hop, address: Address) {
    this.#hop = hop;
    this.#address = address;
  }

  reference(): ReturnType<Hop["reference"]> {
    return this.#hop.reference();
  }

  title(): string {
    return `${formatAddress(this.#address)}, where ${this.#hop.title()} relays datagrams,`;
  }

  awaited(): string {
    return `the address of ${formatAddress(this.#address)}, where ${this.#hop.title()} relays datagrams`;
  }
}

import { EventEmitter } from "node:events";

import { associateThrough, type AssociateThroughOptions, type SocksError, type UdpAssociation } from "@sockskit/dial";
import type { Address, IpAddress } from "@sockskit/wire";

import { type GssapiChoice, withGssapi } from "./gssapi.ts";
import { type ProxyChoice, readChain, readDestination, requireOptions, type Target } from "./read-options.ts";

/** Through which proxy {@link createUdpSocket} sends, and how. */
export interface CreateUdpSocketOptions
  extends ProxyChoice, GssapiChoice, Omit<AssociateThroughOptions, "chain" | "check" | "onMessage" | "onClosed"> {}

/** Events of a {@link UdpSocket}, with the arguments of their listeners. */
export interface UdpSocketEvents {
  /** A datagram came: its data, and who sent it; an IP address, or a name where the relay echoes names. */
  readonly message: [data: Buffer, source: Address];
  /** It is over: with the reason when the proxy, the network or `signal` ended it, without one after `close()`. */
  readonly close: [reason: SocksError | undefined];
}

/**
 * A UDP socket behind a SOCKS 5 proxy, used like one of `node:dgram`. {@link createUdpSocket} makes it; it must be closed.
 *
 * It ends by itself when the proxy ends the association. That is no `error` event, which would end a program that does not
 * listen for it: `close` has the reason, and so has every later `send`.
 */
export class UdpSocket extends EventEmitter<UdpSocketEvents> {
  readonly #association: UdpAssociation;

  /** @internal */
  constructor(association: UdpAssociation) {
    super();
    this.#association = association;
  }

  /** Where the proxy takes datagrams. */
  get relayAddress(): IpAddress {
    return this.#association.relayAddress;
  }

  /** Where this host sends them from. Targets see an address of the proxy, which it does not tell. */
  get localAddress(): Address {
    return this.#association.localAddress;
  }

  /** Received datagrams that were dropped: unreadable ones, and fragments of incomplete sequences. */
  get droppedCount(): number {
    return this.#association.droppedCount;
  }

  /** Whether it is over. */
  get closed(): boolean {
    return this.#association.closed;
  }

  /**
   * Sends one datagram. Text is sent as UTF-8; octets must not change until the promise settles, which is when the system
   * has the datagram. Whether it arrives, nobody knows: UDP has no answer for that, and a proxy drops what it does not
   * allow without a word.
   *
   * The header takes 10 bytes with an IPv4 target, 22 with IPv6, 7 and its length with a name; with it a datagram has at
   * most 65507 bytes.
   *
   * @throws SocksError `ERR_SOCKS_OVERFLOW` (too long, or 16 MiB wait already), `ERR_SOCKS_BAD_ADDRESS`,
   *   `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_RESOLVE_FAILED`, `ERR_SOCKS_PROXY_UNREACHABLE` (nothing listens at the relay, or
   *   the system could not send), `ERR_SOCKS_STATE` (closed), and the reason of the end.
   */
  async send(data: Uint8Array | string, target: Target): Promise<void> {
    const octets = typeof data === "string" ? Buffer.from(data) : data;
    await this.#association.send(octets, readDestination(target));
  }

  /** Closes it; the proxy frees its relay. */
  close(): void {
    this.#association.close();
  }

  /** Keeps the process running while it is open; the default. */
  ref(): this {
    this.#association.ref();
    return this;
  }

  /** Lets the process end while it is open. */
  unref(): this {
    this.#association.unref();
    return this;
  }
}

/**
 * Opens a UDP socket behind a SOCKS 5 proxy (UDP ASSOCIATE). `timeoutMs` bounds the time until datagrams can be sent;
 * `signal` closes the socket later as well.
 *
 * Only datagrams of the proxy's relay are taken; one that could not be read, or was sent by somebody else, never comes as
 * a `message`. Fragments that the relay sends are put together.
 *
 * @throws SocksError always, whatever goes wrong; see its `code`, `stage` and `hop`. Only an exception of `onProgress` or
 *   `onOctets` is passed on as it is.
 * @example
 * ```ts
 * const socket = await createUdpSocket({ proxy: "socks5h://127.0.0.1:1080" });
 * socket.on("message", (data, source) => {
 *   console.log(`${source.host} answered ${data.length} bytes`);
 *   socket.close();
 * });
 * await socket.send("hello", "echo.example.com:7");
 * ```
 */
export async function createUdpSocket(options: CreateUdpSocketOptions): Promise<UdpSocket> {
  requireOptions(options);
  const { proxy, chain, ...rest } = await withGssapi(options);
  const opened: { socket?: UdpSocket } = {};
  const association = await associateThrough({
    ...rest,
    chain: readChain({ proxy, chain }),
    onMessage: (data, source) => opened.socket?.emit("message", data, source),
    onClosed: (reason) => opened.socket?.emit("close", reason),
  });
  return (opened.socket = new UdpSocket(association));
}

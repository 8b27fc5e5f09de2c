import type dgram from "node:dgram";
import type { Socket } from "node:net";

import { FragmentReassembly, HandshakeError, splitDatagram } from "@sockskit/handshake";
import {
  type Address,
  addressFields,
  addressFromFields,
  decodeUdpDatagram,
  encodeUdpDatagram,
  formatAddress,
  type IpAddress,
  MAX_UDP_DATAGRAM_LENGTH,
  parseAddress,
  type UdpDatagram,
  WireError,
} from "@sockskit/wire";

import type { Hop, ProxyHop } from "../chain/hop.ts";
import type { DatagramProtection } from "../auth/proxy-gssapi.ts";
import { SocksError, type SocksErrorCode } from "../errors.ts";
import { requireDestination } from "../internal/require.ts";
import { type DatagramSettings, MAX_IPV4_DATAGRAM_LENGTH } from "./datagram-options.ts";
import { closeQuietly } from "./relay-socket.ts";
import type { TargetNames } from "./target-names.ts";

/** Most bytes of datagrams that wait for a look-up or for the system. */
const MAX_WAITING_LENGTH = 0x1000000;
/** What a waiting datagram counts besides its data. */
const WAITING_OVERHEAD = 0x200;

const NO_OCTETS = new Uint8Array(0);

/** What a {@link UdpAssociation} is made of; it owns all of it. */
export interface AssociationParts {
  readonly hop: Hop;
  readonly control: Socket;
  /** Connected to the relay. */
  readonly socket: dgram.Socket;
  readonly relayAddress: IpAddress;
  readonly names: TargetNames;
  readonly datagrams: DatagramSettings;
  /** Protects what goes to the relay and comes from it. */
  readonly protection: DatagramProtection | undefined;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Datagrams through the relay of a SOCKS 5 proxy (RFC 1928 section 7). It lives as long as the control connection and
 * must be closed.
 *
 * Only what the relay sends is taken. Fragments are put together. What cannot be read is dropped and counted.
 */
export class UdpAssociation {
  /** Where the relay takes datagrams. */
  readonly relayAddress: IpAddress;
  /** Where this side sends them from. */
  readonly localAddress: Address;
  readonly #hop: Hop;
  readonly #control: Socket;
  readonly #socket: dgram.Socket;
  readonly #datagrams: DatagramSettings;
  readonly #protection: DatagramProtection | undefined;
  readonly #names: TargetNames;
  readonly #reassembly: FragmentReassembly;
  /** The relay as the system writes it. */
  readonly #peer: { readonly address: string; readonly port: number };
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #over: { readonly reason: SocksError | undefined } | undefined;
  #waitingLength = 0;
  #droppedCount = 0;

  /** @internal */
  constructor({ hop, control, socket, relayAddress, names, datagrams, protection, signal }: AssociationParts) {
    this.relayAddress = relayAddress;
    this.#hop = hop;
    this.#control = control;
    this.#socket = socket;
    this.#datagrams = datagrams;
    this.#protection = protection;
    this.#names = names;
    this.#reassembly = new FragmentReassembly({ timeoutMs: datagrams.reassemblyTimeoutMs });
    this.#peer = socket.remoteAddress();
    const local = socket.address();
    this.localAddress = parseAddress(local.address, local.port);
    control.on("end", () => this.#finish(controlLost(hop, undefined)));
    control.on("error", (error) => this.#finish(controlLost(hop, error)));
    control.on("close", () => this.#finish(controlLost(hop, undefined)));
    // Nothing is defined for what a proxy sends here after its reply; read, so that its end is noticed.
    control.resume();
    socket.on("message", (message, { address, port }) => this.#receive(message, address, port));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The relay's host had no use for a datagram. That may pass, and `send` tells; the proxy decides when it is over.
      if (error.code !== "ECONNREFUSED") this.#finish(relayError(hop, relayAddress, error));
    });
    if (signal !== undefined) this.#endWith(signal);
  }

  /** The proxy. */
  get hops(): readonly ProxyHop[] {
    return [this.#hop.proxy];
  }

  /** Received datagrams that were dropped: unreadable ones, and fragments of incomplete sequences. */
  get droppedCount(): number {
    return this.#droppedCount + this.#reassembly.droppedCount;
  }

  /** Whether it is over. */
  get closed(): boolean {
    return this.#over !== undefined;
  }

  /**
   * Sends one datagram; `data` must not change until the promise settles, which is when the system has it. Whether it
   * arrives anywhere, nobody knows. A name is resolved by the scheme of the proxy.
   *
   * @throws SocksError `ERR_SOCKS_OVERFLOW` (too long, or 16 MiB wait already), `ERR_SOCKS_BAD_PORT`,
   *   `ERR_SOCKS_NOT_REPRESENTABLE`, what a resolver says, `ERR_SOCKS_PROXY_UNREACHABLE` (the system could not send it),
   *   the reason of the end or `ERR_SOCKS_STATE` when it is closed.
   */
  async send(data: Uint8Array, target: Address): Promise<void> {
    this.#requireOpen();
    requireDestination(target);
    const weight = data.length + WAITING_OVERHEAD;
    if (this.#waitingLength + weight > MAX_WAITING_LENGTH) {
      throw this.#refused("ERR_SOCKS_OVERFLOW", `${this.#waitingLength} bytes wait to be sent already; await send()`);
    }
    this.#waitingLength += weight;
    try {
      const isOurs = target.type === "domain" && this.#hop.proxy.resolve === "local";
      const destination = isOurs ? await this.#resolve(target) : target;
      await Promise.all(this.#split(data, destination).map((part) => this.#sendPart(part)));
    } finally {
      this.#waitingLength -= weight;
    }
  }

  /** Ends it; the proxy then frees its relay. */
  close(): void {
    this.#finish(undefined);
  }

  /** Keeps the process running while it is open; the default. */
  ref(): void {
    this.#control.ref();
    this.#socket.ref();
  }

  /** Lets the process end while it is open. */
  unref(): void {
    this.#control.unref();
    this.#socket.unref();
  }

  #endWith(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.#finish(this.#refused("ERR_SOCKS_ABORTED", "the association was ended by the caller", signal.reason));
    };
    this.#unlisten = () => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort);
  }

  async #resolve(target: Address): Promise<Address> {
    try {
      return await this.#names.resolve(target);
    } finally {
      // Its end is the reason, whatever became of the look-up.
      this.#requireOpen();
    }
  }

  /** The datagram as it goes out: whole, or in fragments. */
  #split(data: Uint8Array, destination: Address): readonly UdpDatagram[] {
    if (destination.type === "ipv6" && destination.zone !== undefined) {
      const message = `cannot send to ${formatAddress(destination)}: a zone means nothing to a proxy`;
      throw this.#refused("ERR_SOCKS_NOT_REPRESENTABLE", message);
    }
    const { atyp, addr: dstAddr } = addressFields(destination);
    const { fragmentOctets } = this.#datagrams;
    const most =
      this.#protection?.maxLength ??
      (this.relayAddress.type === "ipv4" ? MAX_IPV4_DATAGRAM_LENGTH : MAX_UDP_DATAGRAM_LENGTH);
    const datagram: UdpDatagram = { frag: 0x00, atyp, dstAddr, dstPort: destination.port, data };
    if (fragmentOctets !== undefined) {
      try {
        return splitDatagram(datagram, fragmentOctets);
      } catch (cause) {
        if (!(cause instanceof HandshakeError)) throw cause;
        throw this.#refused(cause.code, `cannot send to ${formatAddress(destination)}: ${cause.message}`, cause);
      }
    }
    const room = most - encodeUdpDatagram({ ...datagram, data: NO_OCTETS }).length;
    if (data.length <= room) return [datagram];
    const message = `cannot send ${data.length} bytes to ${formatAddress(destination)} in one datagram; at most ${room} fit beside the header`;
    throw this.#refused("ERR_SOCKS_OVERFLOW", message);
  }

  async #sendPart(part: UdpDatagram): Promise<void> {
    const protection = this.#protection;
    if (protection === undefined) {
      return this.#write([encodeUdpDatagram({ ...part, data: NO_OCTETS }), part.data]);
    }
    const sealed = await protection.seal(encodeUdpDatagram(part));
    this.#requireOpen();
    if (sealed === undefined) {
      throw this.#refused("ERR_SOCKS_OVERFLOW", "too many datagrams wait to be protected; await send()");
    }
    return this.#write([sealed]);
  }

  #write(parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(parts, (error) => {
        if (error === null) resolve();
        else if (this.#over !== undefined) reject(this.#endError(this.#over.reason));
        else reject(relayError(this.#hop, this.relayAddress, error));
      });
    });
  }

  #receive(message: Buffer, address: string, port: number): void {
    // Until it was connected to the relay, the system let anybody in.
    if (this.#over !== undefined || port !== this.#peer.port || address !== this.#peer.address) return;
    const protection = this.#protection;
    if (protection === undefined) return this.#take(message);
    void protection.open(message).then((plain) => {
      if (this.#over !== undefined) return;
      if (plain === undefined) this.#droppedCount += 1;
      else this.#take(plain);
    });
  }

  #take(message: Uint8Array): void {
    let whole: UdpDatagram | undefined;
    let source: Address;
    try {
      const datagram = decodeUdpDatagram(message);
      source = addressFromFields(datagram.atyp, datagram.dstAddr, datagram.dstPort);
      whole = this.#reassembly.receive(datagram, performance.now());
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#droppedCount += 1;
      return;
    }
    this.#watchFragments();
    if (whole === undefined) return;
    const { buffer, byteOffset, length } = whole.data;
    this.#datagrams.onMessage(Buffer.from(buffer, byteOffset, length), source);
  }

  /** Frees incomplete sequences when nothing more comes. */
  #watchFragments(): void {
    const pauseMs = this.#timer === undefined ? this.#reassembly.nextTimeoutMs(performance.now()) : undefined;
    if (pauseMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#reassembly.tick(performance.now());
      this.#watchFragments();
    }, Math.ceil(pauseMs));
    this.#timer.unref();
  }

  #finish(reason: SocksError | undefined): void {
    if (this.#over !== undefined) return;
    this.#over = { reason };
    this.#unlisten?.();
    clearTimeout(this.#timer);
    this.#reassembly.clear();
    this.#names.close();
    this.#control.destroy();
    closeQuietly(this.#socket);
    process.nextTick(() => this.#datagrams.onClosed?.(reason));
  }

  #requireOpen(): void {
    if (this.#over !== undefined) throw this.#endError(this.#over.reason);
  }

  #endError(reason: SocksError | undefined): SocksError {
    return reason ?? this.#refused("ERR_SOCKS_STATE", "the association is closed; nothing can be sent");
  }

  #refused(code: SocksErrorCode, message: string, cause?: unknown): SocksError {
    return new SocksError(code, message, { side: "local", stage: "relay", hop: this.#hop.reference(), cause });
  }
}

/** The control connection ended, and with it the association. */
export function controlLost(hop: Hop, cause: Error | undefined): SocksError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const how =
    cause === undefined
      ? "closed the control connection, perhaps because it was idle"
      : `broke the control connection (${code ?? cause.message})`;
  const message = `${hop.title()} ${how}; that ends the relaying of datagrams`;
  const options = { side: "remote", stage: "relay", hop: hop.reference(), cause } as const;
  return new SocksError("ERR_SOCKS_PROXY_CLOSED", message, options);
}

/** The system cannot exchange datagrams with the relay. */
export function relayError(hop: Hop, relay: IpAddress, cause: Error): SocksError {
  const { code } = cause as NodeJS.ErrnoException;
  const reason = code === "ECONNREFUSED" ? "nothing listens there (ECONNREFUSED)" : (code ?? cause.message);
  const message = `cannot send datagrams to ${formatAddress(relay)}, where ${hop.title()} relays them: ${reason}`;
  return new SocksError("ERR_SOCKS_PROXY_UNREACHABLE", message, {
    side: "remote",
    stage: "relay",
    hop: hop.reference(),
    cause,
  });
}

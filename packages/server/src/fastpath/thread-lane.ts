import type { DatagramRelayHandle, DataPlane, RelaySide } from "@sockskit/fastpath";
import { type IpAddress, parseIpAddress, withPort } from "@sockskit/wire";
import type { RemoteInfo } from "node:dgram";
import { getSystemErrorName } from "node:util";
import type { DatagramSocket } from "../associate/datagram-socket.ts";
import type { DropReason } from "../associate/datagram-counts.ts";
import type { Destination } from "../associate/destinations.ts";
import type { FlowLane, LaneFigures } from "../associate/flow-lane.ts";
import type { Outlet, OutletEvents } from "../associate/outlet.ts";
import { ServerError } from "../errors.ts";
import { openOnFreePort } from "../ports/port-range.ts";
import { familyOf, type Settings } from "../session/settings.ts";

/** What a system call said, as Node reports it. */
class SystemCallError extends Error implements NodeJS.ErrnoException {
  override readonly name = "SystemCallError";
  readonly code: string;
  readonly errno: number;

  constructor(errno: number, what: string) {
    const code = getSystemErrorName(-errno);
    super(`${what}: ${code}`);
    this.code = code;
    this.errno = -errno;
  }
}

interface Offer {
  readonly slot: number;
  /** The settings that the thread had. */
  readonly epoch: number;
}

/** A {@link FlowLane} whose sockets a thread of the fast path has. */
export class ThreadLane implements FlowLane {
  readonly #plane: DataPlane;
  readonly #isOwnPort: (port: number) => boolean;
  readonly #offers = new Map<Destination, Offer>();
  #handle: DatagramRelayHandle | undefined;
  #outlet: OutletEvents | undefined;

  /** @param isOwnPort Whether what goes to a port depends on the addresses that this host has at that moment. */
  constructor(plane: DataPlane, isOwnPort: (port: number) => boolean) {
    this.#plane = plane;
    this.#isOwnPort = isOwnPort;
  }

  async open(...[address, ports, events]: Parameters<FlowLane["open"]>): ReturnType<FlowLane["open"]> {
    const onDatagram = (side: RelaySide, data: Uint8Array, from: IpAddress): void => {
      const message = Buffer.from(data.buffer, data.byteOffset, data.length);
      // A datagram of a stranger that finds a mistake of ours must not end the process.
      try {
        (side === "client" ? events : this.#outlet)?.onDatagram(message, remoteInfo(from, message.length));
      } catch (error) {
        events.onError(error as Error);
      }
    };
    const handle = await openOnFreePort(ports, async (port) => {
      const opened = this.#plane.openRelay(withPort(address, port), {
        onDatagram,
        onError: (errno) => events.onError(new SystemCallError(errno, "a datagram was not relayed")),
        onLost: (errno) => events.onFailure(lossOf(errno)),
      });
      if (typeof opened === "number") throw new SystemCallError(-opened, `no socket at port ${port} for datagrams`);
      return opened;
    });
    this.#handle = handle;
    return {
      port: handle.port,
      send: (parts, port, host) => sendBy(handle, "client", parts, parseIpAddress(host, port)),
      close: () => handle.close(),
    };
  }

  outlet(outbound: Settings["outbound"], events: OutletEvents): Outlet {
    this.#outlet = events;
    const family = familyOf(outbound);
    const reached = { ipv4: false, ipv6: false };
    const send = (data: Uint8Array, address: IpAddress): DropReason | undefined => {
      const { type } = address;
      const handle = this.#handle;
      if (handle === undefined || (family !== "auto" && family !== (type === "ipv4" ? 4 : 6))) return "unsent";
      if (!reached[type]) {
        const local = parseIpAddress(outbound.localAddress ?? (type === "ipv4" ? "0.0.0.0" : "::"), 0);
        // The next datagram tries again: descriptors run out and come back.
        if (local?.type !== type || handle.reach(type, local) < 0) return "unsent";
        reached[type] = true;
      }
      return sendBy(handle, type, data, address) ? undefined : "limit";
    };
    // The sockets are closed with the one of the client.
    return { send, close: () => undefined };
  }

  offer(destination: Destination, address: IpAddress, header: Uint8Array, client: IpAddress): void {
    const handle = this.#handle;
    if (handle === undefined || this.#isOwnPort(address.port)) return;
    const { epoch } = handle;
    const known = this.#offers.get(destination);
    if (known?.epoch === epoch) return;
    const flow = { header: Uint8Array.from(header), address, answerHeader: destination.header, client };
    const slot = handle.offer(flow, known?.slot);
    if (slot !== undefined) this.#offers.set(destination, { slot, epoch });
  }

  forget(destination: Destination): void {
    const offer = this.#offers.get(destination);
    if (offer === undefined) return;
    this.#offers.delete(destination);
    this.#handle?.forget(offer.slot);
  }

  wasUsed(destination: Destination): boolean {
    const offer = this.#offers.get(destination);
    return offer !== undefined && this.#handle?.wasUsed(offer.slot) === true;
  }

  get figures(): LaneFigures {
    return this.#handle?.figures ?? NOTHING;
  }
}

const NOTHING: LaneFigures = { in: 0, out: 0, bytesIn: 0, bytesOut: 0, errors: 0, dropped: {} };

function sendBy(
  handle: DatagramRelayHandle,
  side: RelaySide,
  parts: Parameters<DatagramSocket["send"]>[0],
  to: IpAddress | undefined,
): boolean {
  return to !== undefined && handle.send(side, parts instanceof Uint8Array ? [parts] : parts, to);
}

function remoteInfo({ type, host, port }: IpAddress, size: number): RemoteInfo {
  return { address: host, family: type === "ipv4" ? "IPv4" : "IPv6", port, size };
}

function lossOf(errno: number | undefined): Error {
  return errno === undefined
    ? new ServerError("ERR_SOCKS_ENGINE", "the thread of the fast path has died")
    : new SystemCallError(errno, "a socket for datagrams cannot be watched");
}

import type { RemoteInfo } from "node:dgram";
import type { IpAddress } from "@sockskit/wire";
import { familyOf, type Settings } from "../session/settings.ts";
import type { DropReason } from "./datagram-counts.ts";
import { DatagramSocket, type DatagramSocketEvents } from "./datagram-socket.ts";

/** Datagrams that wait for a socket to open. */
const MAX_WAITING = 16;

interface Waiting {
  readonly data: Uint8Array;
  readonly address: IpAddress;
}

type Side = DatagramSocket | { readonly waiting: Waiting[] };

/** What an {@link Outlet} tells its owner. */
export interface OutletEvents {
  /** A datagram came from outside. */
  readonly onDatagram: (data: Buffer, from: RemoteInfo) => void;
  /** The system reported an error about a datagram sent before, or about a socket. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** A datagram that was taken does not go out. */
  readonly onDropped: (reason: DropReason) => void;
}

/** How the datagrams of an association go out. */
export interface Outlet {
  /** Sends a datagram; why it does not go, when that is known at once. */
  send(data: Uint8Array, address: IpAddress): DropReason | undefined;
  /** Closes it; nothing is told any more. */
  close(): void;
}

/**
 * How datagrams leave this host: a socket for each IP version, opened when one is needed. They are
 * other sockets than the one for the client, so that no destination can be taken for the client.
 */
export class DirectOutlet implements Outlet {
  readonly #localAddress: string | undefined;
  readonly #family: "auto" | 4 | 6;
  readonly #events: OutletEvents;
  readonly #socketEvents: DatagramSocketEvents;
  readonly #sides: Record<IpAddress["type"], Side | undefined> = { ipv4: undefined, ipv6: undefined };
  #isClosed = false;

  constructor(outbound: Settings["outbound"], events: OutletEvents) {
    this.#localAddress = outbound.localAddress;
    this.#family = familyOf(outbound);
    this.#events = events;
    this.#socketEvents = {
      onDatagram: events.onDatagram,
      onUnsent: () => events.onDropped("unsent"),
      onError: events.onError,
    };
  }

  send(data: Uint8Array, address: IpAddress): DropReason | undefined {
    const { type } = address;
    const side = this.#sides[type];
    if (side instanceof DatagramSocket) return side.send(data, address.port, address.host) ? undefined : "limit";
    if (side !== undefined) {
      if (side.waiting.length >= MAX_WAITING) return "limit";
      side.waiting.push({ data, address });
      return undefined;
    }
    if (!this.#has(type)) return "unsent";
    this.#open(type, [{ data, address }]);
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const side of Object.values(this.#sides)) if (side instanceof DatagramSocket) side.close();
  }

  #has(type: IpAddress["type"]): boolean {
    return this.#family === "auto" || this.#family === (type === "ipv4" ? 4 : 6);
  }

  #open(type: IpAddress["type"], waiting: Waiting[]): void {
    this.#sides[type] = { waiting };
    const host = this.#localAddress ?? (type === "ipv4" ? "0.0.0.0" : "::");
    DatagramSocket.open({ type: type === "ipv4" ? "udp4" : "udp6", host }, this.#socketEvents).then(
      (socket) => {
        if (this.#isClosed) return socket.close();
        this.#sides[type] = socket;
        for (const { data, address } of waiting) {
          if (!socket.send(data, address.port, address.host)) this.#events.onDropped("limit");
        }
      },
      () => {
        // The next datagram tries again: descriptors run out and come back.
        this.#sides[type] = undefined;
        for (const _ of waiting) this.#events.onDropped("unsent");
      },
    );
  }
}

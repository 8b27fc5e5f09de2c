import type { IpAddress } from "@sockskit/wire";
import type { PortRange } from "../ports/port-range.ts";
import type { Settings } from "../session/settings.ts";
import type { DatagramSocket, DatagramSocketEvents } from "./datagram-socket.ts";
import type { DropReason } from "./datagram-counts.ts";
import type { Destination } from "./destinations.ts";
import type { Outlet, OutletEvents } from "./outlet.ts";

/** What was counted elsewhere, apart from what the association counts. */
export interface LaneFigures {
  readonly in: number;
  readonly out: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly errors: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

/**
 * Sockets of an association that somebody else reads and writes. Whatever the association has decided on goes there without
 * it; everything else comes to it, as from sockets of its own.
 */
export interface FlowLane {
  /** Opens the socket for the client's datagrams; rejects as `DatagramSocket.open` does. */
  open(
    address: IpAddress,
    ports: PortRange | undefined,
    events: Pick<DatagramSocketEvents, "onDatagram" | "onError"> & { readonly onFailure: (error: Error) => void },
  ): Promise<Pick<DatagramSocket, "send" | "close" | "port">>;
  /** The way out. */
  outlet(outbound: Settings["outbound"], events: OutletEvents): Outlet;
  /** Datagrams of the client that begin with these octets go to that destination, and its answers back, until {@link forget}. */
  offer(destination: Destination, address: IpAddress, header: Uint8Array, client: IpAddress): void;
  /** The association wants to see them again. */
  forget(destination: Destination): void;
  /** Whether anything went to or came from a destination since this was asked last. */
  wasUsed(destination: Destination): boolean;
  /** The figures of this moment. */
  readonly figures: LaneFigures;
}

import { createSocket } from "node:dgram";
import { type IpAddress, parseIpAddress, unmapAddress } from "@sockskit/wire";

/**
 * The address of this host that a peer sees when this host connects to it: the one at which the peer, in turn, reaches
 * this host. The system is asked for its route; nothing is sent. `undefined` when there is no route.
 */
export function facingAddress(peer: IpAddress): Promise<IpAddress | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(peer.type === "ipv4" ? "udp4" : "udp6");
    const finish = (address: IpAddress | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once("error", () => finish(undefined));
    // Any port will do: a connected datagram socket only remembers where it leads.
    socket.connect(DISCARD_PORT, peer.host, (error?: Error) => {
      if (error !== undefined) return;
      const local = parseIpAddress(socket.address().address);
      finish(local === undefined ? undefined : unmapAddress(local));
    });
  });
}

/** RFC 863. */
const DISCARD_PORT = 9;

import { createSocket } from "node:dgram";
import { type IpAddress, parseIpAddress, unmapAddress } from "@sockskit/wire";
import { literalOnly } from "../ports/literal-only.ts";

/** RFC 863. Nothing is ever sent there. */
const DISCARD_PORT = 9;

/**
 * The address of this host that a peer sees when this host connects to it: the one at which the peer, in turn, reaches
 * this host. The system is asked for its route; nothing is sent. `undefined` when there is no route.
 */
export function facingAddress(peer: IpAddress): Promise<IpAddress | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: peer.type === "ipv4" ? "udp4" : "udp6", lookup: literalOnly });
    const finish = (address: IpAddress | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once("error", () => finish(undefined));
    // Connecting a datagram socket makes the system choose the route.
    socket.connect(DISCARD_PORT, peer.host, (error?: Error) => {
      const local = error === undefined ? parseIpAddress(socket.address().address) : undefined;
      finish(local === undefined ? undefined : unmapAddress(local));
    });
  });
}

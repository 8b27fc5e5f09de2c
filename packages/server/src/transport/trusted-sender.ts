import { type IpAddress, type Network, networkContains } from "@sockskit/wire";
import { isLoopback } from "../listener/loopback.ts";

/** Whether a PROXY header is awaited from this peer: it may say who the client is, and must. */
export function isTrustedSender(proxyFrom: readonly Network[] | undefined, peer: IpAddress): boolean {
  return proxyFrom?.some((network) => networkContains(network, peer)) === true;
}

/**
 * The client of a connection whose PROXY header announces somebody, or nobody: then it is the sender itself. A loopback
 * address is one of the sender's host. On another host that is not our loopback, which rules trust, and the sender stands
 * for it.
 */
export function announcedClient(announced: IpAddress | undefined, sender: IpAddress): IpAddress {
  if (announced === undefined) return sender;
  return isLoopback(announced) && !isLoopback(sender) ? sender : announced;
}

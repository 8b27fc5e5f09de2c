import { type IpAddress, type Network, networkContains } from "@sockskit/wire";

/** Whether a PROXY header is awaited from this peer: it may say who the client is, and must. */
export function isTrustedSender(proxyFrom: readonly Network[] | undefined, peer: IpAddress): boolean {
  return proxyFrom?.some((network) => networkContains(network, peer)) === true;
}

import type { ProxyProtocolVersion } from "@sockskit/policy";
import {
  type Address,
  encodeProxyHeader,
  type IpAddress,
  ipv4Address,
  ipv6Address,
  PROXY_CMD,
  PROXY_FAMILY,
  proxyHeaderFor,
} from "@sockskit/wire";
import { isUnixClient } from "../listener/unix-client.ts";

/** Two ends of a connection, as a PROXY header names them. */
export interface AnnouncedEnds {
  /** The client. */
  readonly client: IpAddress;
  /** What it is connected to. Of a name that somebody else looks up, only the port can be told. */
  readonly destination: Address;
}

/**
 * The PROXY header that tells a destination, or a proxy on the way to it, who the client is; `undefined` for none. It goes
 * first on the connection, in one piece. The client of a Unix socket has no address, and 127.0.0.1 would be a claim: the
 * header says UNKNOWN, or LOCAL in version 2, where HAProxy refuses PROXY with an unspecified family.
 */
export function announcement(version: ProxyProtocolVersion, ends: AnnouncedEnds): Uint8Array | undefined {
  if (version === "off") return undefined;
  const number = version === "v1" ? 1 : 2;
  const { client: source } = ends;
  if (!isUnixClient(source)) {
    return encodeProxyHeader(proxyHeaderFor({ version: number, source, destination: ipAddressOf(ends) }));
  }
  const none = new Uint8Array(0);
  return encodeProxyHeader({
    version: number,
    cmd: version === "v1" ? PROXY_CMD.proxy : PROXY_CMD.local,
    family: PROXY_FAMILY.unspecified,
    srcAddr: none,
    dstAddr: none,
    srcPort: 0,
    dstPort: 0,
    tlvs: [],
  });
}

/** The destination; for a name the unspecified address of the client's family. */
function ipAddressOf({ client, destination }: AnnouncedEnds): IpAddress {
  if (destination.type !== "domain") return destination;
  const { port } = destination;
  return client.type === "ipv4" ? ipv4Address(new Uint8Array(4), port) : ipv6Address(new Uint8Array(16), port);
}

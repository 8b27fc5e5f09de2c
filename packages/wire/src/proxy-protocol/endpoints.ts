// Between the fields of a PROXY header and addresses: PROXY protocol sections 2.1, 2.2.

import { ipv4Address, ipv6Address, unmapAddress } from "../address.ts";
import type { IpAddress } from "../address.ts";
import { PROXY_CMD, PROXY_FAMILY } from "./code-points.ts";
import type { ProxyHeader } from "./header.ts";
import type { ProxyTlv } from "./tlv.ts";

/** The two ends of a connection as a balancer saw them. */
export interface ProxyEndpoints {
  /** Who connected. */
  readonly source: IpAddress;
  /** What they connected to. */
  readonly destination: IpAddress;
}

/** What {@link proxyHeaderFor} is made from. */
export interface ProxyHeaderOptions extends ProxyEndpoints {
  /** Version of the PROXY protocol. Default: 2. */
  readonly version?: 1 | 2;
  /** Transport of the connection; version 1 knows TCP only. Default: `"tcp"`. */
  readonly transport?: "tcp" | "udp";
  /** What else to say; version 1 cannot. Default: nothing. */
  readonly tlvs?: readonly ProxyTlv[];
}

/**
 * The ends that a header announces, IPv4-mapped addresses as IPv4.
 *
 * `undefined`: nothing is announced (LOCAL, UNKNOWN, an unspecified or Unix family, or another transport than
 * `transport`), so the connection's own ends count.
 */
export function proxyEndpoints(header: ProxyHeader, transport: "tcp" | "udp" = "tcp"): ProxyEndpoints | undefined {
  if (header.cmd !== PROXY_CMD.proxy) return undefined;
  const isTcp = transport === "tcp";
  switch (header.family) {
    case isTcp ? PROXY_FAMILY.tcpOverIpv4 : PROXY_FAMILY.udpOverIpv4:
      return {
        source: ipv4Address(header.srcAddr, header.srcPort),
        destination: ipv4Address(header.dstAddr, header.dstPort),
      };
    case isTcp ? PROXY_FAMILY.tcpOverIpv6 : PROXY_FAMILY.udpOverIpv6:
      return {
        source: unmapAddress(ipv6Address(header.srcAddr, header.srcPort)),
        destination: unmapAddress(ipv6Address(header.dstAddr, header.dstPort)),
      };
    default:
      return undefined;
  }
}

/**
 * The header that announces these ends. If one is IPv4 and one IPv6, both travel as IPv6, the IPv4 one
 * mapped. A zone has no place in it and is left out.
 */
export function proxyHeaderFor(options: ProxyHeaderOptions): ProxyHeader {
  const { source, destination, version = 2, transport = "tcp", tlvs = [] } = options;
  const isIpv4 = source.type === "ipv4" && destination.type === "ipv4";
  const isTcp = transport === "tcp";
  const overIpv4 = isTcp ? PROXY_FAMILY.tcpOverIpv4 : PROXY_FAMILY.udpOverIpv4;
  const overIpv6 = isTcp ? PROXY_FAMILY.tcpOverIpv6 : PROXY_FAMILY.udpOverIpv6;
  return {
    version,
    cmd: PROXY_CMD.proxy,
    family: isIpv4 ? overIpv4 : overIpv6,
    srcAddr: isIpv4 ? source.octets : ipv6Octets(source),
    dstAddr: isIpv4 ? destination.octets : ipv6Octets(destination),
    srcPort: source.port,
    dstPort: destination.port,
    tlvs,
  };
}

function ipv6Octets(address: IpAddress): Uint8Array {
  if (address.type === "ipv6") return address.octets;
  const octets = new Uint8Array(16);
  octets.fill(0xff, 10, 12);
  octets.set(address.octets, 12);
  return octets;
}

import type { Socket } from "node:net";

import {
  type Address,
  encodeProxyHeader,
  formatAddress,
  type IpAddress,
  ipv4Address,
  ipv6Address,
  parseIpAddress,
  proxyHeaderFor,
  unmapAddress,
} from "@sockskit/wire";

import { badOption } from "../internal/require.ts";
import type { Hop } from "./hop.ts";
import type { Observer } from "./observer.ts";

/**
 * The PROXY protocol towards a proxy: a header before the first octet of the connection that says who the client is. The
 * proxy must expect it; one that does not takes it for a broken request.
 */
export interface ProxyProtocolOptions {
  /** Version of the header: 1 is a line of text, 2 is binary. */
  readonly version: 1 | 2;
  /** Who the client is, with its port. Default: this host, as it reaches the first proxy. */
  readonly source?: IpAddress | undefined;
  /**
   * What the client connected to. Default: the address of the proxy, as it was dialled or as its URL has it; where that is
   * a name which another proxy resolves, an unspecified address.
   */
  readonly destination?: IpAddress | undefined;
}

/**
 * Checks the options.
 *
 * @param name - What the caller calls that option.
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function requireProxyProtocol(options: ProxyProtocolOptions, name: string): ProxyProtocolOptions {
  const { version, source, destination } = options;
  if (version !== 1 && version !== 2) throw badOption(`${name}.version is ${String(version)}; expected 1 or 2`);
  for (const [field, address] of Object.entries({ source, destination }) as [string, Address | undefined][]) {
    if (address?.type === "domain") {
      throw badOption(
        `${name}.${field} is ${formatAddress(address)}; expected an IP address, names have no place there`,
      );
    }
  }
  return options;
}

/** Sends the header, in one piece and before anything else. */
export function sendProxyHeader(socket: Socket, hop: Hop, options: ProxyProtocolOptions, observer: Observer): void {
  const { version } = options;
  const source = options.source ?? addressOf(socket.localAddress, socket.localPort);
  const destination = options.destination ?? destinationOf(socket, hop, source);
  const header = encodeProxyHeader(proxyHeaderFor({ version, source, destination }));
  observer.octets?.(hop, "sent", "dial-proxy", header, false);
  observer.progress?.(hop, { step: "proxy-header", version, source, destination });
  socket.write(header);
}

function destinationOf(socket: Socket, hop: Hop, source: IpAddress): IpAddress {
  if (hop.index === 0) return addressOf(socket.remoteAddress, socket.remotePort);
  const { address } = hop.proxy;
  return address.type === "domain" ? unspecified(source.type, address.port) : address;
}

/** The end of a socket; one that has just closed knows it no longer. */
function addressOf(host: string | undefined, port: number | undefined): IpAddress {
  const address = host === undefined ? undefined : parseIpAddress(host, port);
  return address === undefined ? unspecified("ipv4", 0) : unmapAddress(address);
}

function unspecified(type: "ipv4" | "ipv6", port: number): IpAddress {
  return type === "ipv4" ? ipv4Address(new Uint8Array(4), port) : ipv6Address(new Uint8Array(16), port);
}

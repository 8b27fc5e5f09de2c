import type { ServerAuthMethod } from "@sockskit/auth";
import {
  ATYP,
  CMD,
  REP,
  WireError,
  addressFromFields,
  ipv4Address,
  isUnspecified,
  withPort,
  type Address,
  type Socks4Request,
  type Socks5Request,
} from "@sockskit/wire";

import type { HandshakeCommand, HandshakeRequest } from "../server-events.ts";

/**
 * Judges a SOCKS 5 request whose command is taken.
 *
 * @throws WireError (remote, with the `rep` to answer) when its destination is none.
 */
export function requestFrom5(
  message: Socks5Request,
  method: ServerAuthMethod,
  identity: string | undefined,
): HandshakeRequest {
  const destination = message.cmd === CMD.udpAssociate ? senderOf(message) : destinationOf(message);
  checkPort(message.cmd, destination);
  if (message.cmd === CMD.resolvePtr && destination.type === "domain") {
    throw new WireError("ERR_SOCKS_BAD_ADDRESS", "client asks for the name of what is no IP address", {
      side: "remote",
      rep: REP.addressTypeNotSupported,
    });
  }
  return {
    version: 5,
    variant: "5",
    command: commandOf(message.cmd),
    cmd: message.cmd,
    destination: withoutIdlePort(message.cmd, destination),
    userId: undefined,
    method: method.method,
    methodName: method.name,
    identity,
  };
}

/**
 * Judges a SOCKS 4 or 4A request whose command is taken.
 *
 * @throws WireError (remote) when its destination is none.
 */
export function requestFrom4(message: Socks4Request): HandshakeRequest {
  const { cd: cmd, domain } = message;
  const destination =
    domain === undefined
      ? addressFromFields(ATYP.ipv4, message.dstIp, message.dstPort)
      : addressFromFields(ATYP.domainName, domain, message.dstPort);
  checkPort(cmd, destination);
  // 0.0.0.0 is not the 4A form, and as an address of SOCKS 4 it names no host.
  if (cmd === CMD.connect && domain === undefined && isUnspecified(destination)) {
    throw badDestination("ERR_SOCKS_BAD_ADDRESS", "client asks for a connection to 0.0.0.0");
  }
  return {
    version: 4,
    variant: domain === undefined ? "4" : "4a",
    command: commandOf(cmd),
    cmd,
    destination: withoutIdlePort(cmd, destination),
    userId: message.userid,
    method: undefined,
    methodName: undefined,
    identity: undefined,
  };
}

function destinationOf({ atyp, dstAddr, dstPort }: Socks5Request): Address {
  return addressFromFields(atyp, dstAddr, dstPort);
}

/**
 * Where the client of a UDP ASSOCIATE will send from. That is a hint, not a destination: a name that is none (PySocks
 * sends the name "0") says no more than all zeros do, "not known yet" (RFC 1928 section 6).
 */
function senderOf(message: Socks5Request): Address {
  try {
    return destinationOf(message);
  } catch (error) {
    if (message.atyp === ATYP.domainName && error instanceof WireError) return ipv4Address(new Uint8Array(4), 0);
    throw error;
  }
}

/** What is looked up has no port: whatever a client sends in its place must not count. */
function withoutIdlePort(cmd: number, destination: Address): Address {
  return cmd === CMD.resolve || cmd === CMD.resolvePtr ? withPort(destination, 0) : destination;
}

function checkPort(cmd: number, destination: Address): void {
  if (cmd === CMD.connect && destination.port === 0) {
    throw badDestination("ERR_SOCKS_BAD_PORT", "client asks for a connection to port 0, which nothing can listen on");
  }
}

function badDestination(code: "ERR_SOCKS_BAD_ADDRESS" | "ERR_SOCKS_BAD_PORT", message: string): WireError {
  return new WireError(code, message, { side: "remote", rep: REP.generalSocksServerFailure });
}

function commandOf(cmd: number): HandshakeCommand | undefined {
  switch (cmd) {
    case CMD.connect:
      return "connect";
    case CMD.bind:
      return "bind";
    case CMD.udpAssociate:
      return "udp-associate";
    case CMD.resolve:
      return "resolve";
    case CMD.resolvePtr:
      return "resolve-ptr";
    default:
      return undefined;
  }
}

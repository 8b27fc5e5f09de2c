import type { ServerAuthMethod } from "@sockskit/auth";
import {
  ATYP,
  CMD,
  REP,
  WireError,
  addressFromFields,
  isUnspecified,
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
  const destination = addressFromFields(message.atyp, message.dstAddr, message.dstPort);
  checkPort(message.cmd, destination);
  return {
    version: 5,
    variant: "5",
    command: commandOf(message.cmd),
    cmd: message.cmd,
    destination,
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
    destination,
    userId: message.userid,
    method: undefined,
    methodName: undefined,
    identity: undefined,
  };
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
    default:
      return undefined;
  }
}

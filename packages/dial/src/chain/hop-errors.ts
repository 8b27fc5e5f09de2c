import { AuthError } from "@sockskit/auth";
import { type HandshakeCommand, HandshakeError } from "@sockskit/handshake";
import { ProxyUrlError } from "@sockskit/url";
import { type Address, formatAddress, formatHost, REP, repDescription, SOCKS4_CD } from "@sockskit/wire";

import { SocksError, type SocksStage } from "../errors.ts";
import type { Hop } from "./hop.ts";
import { torAdvice } from "./tor-advice.ts";

/** What was made impossible by the options: an address, or credentials, that the version cannot carry. */
export function localError(hop: Hop, cause: unknown): unknown {
  if (!(cause instanceof HandshakeError || cause instanceof AuthError || cause instanceof ProxyUrlError)) return cause;
  const options = { side: "local", hop: hop.reference(), cause } as const;
  return new SocksError(cause.code, `${hop.title()}: ${cause.message}`, options);
}

/** What a proxy was asked, for the texts of errors. */
export interface Asked {
  readonly hop: Hop;
  readonly command: HandshakeCommand;
  readonly destination: Address;
  /** BIND: the proxy listened already, and was to tell who connected. */
  readonly listening: boolean;
}

/** A destination as people write it: whoever is expected by BIND often has no port. */
export function nameOf(destination: Address): string {
  return destination.port === 0 ? formatHost(destination) : formatAddress(destination);
}

/** The proxy refused, or what it said is not SOCKS. */
export function handshakeError(asked: Asked, cause: HandshakeError): SocksError {
  const { hop } = asked;
  const { code, side, stage, reply, httpStatus } = cause;
  const options = { side, stage, hop: hop.reference(), reply, httpStatus, cause };
  return new SocksError(code, `${hop.title()}${describe(asked, cause)}`, options);
}

function describe(asked: Asked, { code, message, reply, httpStatus }: HandshakeError): string {
  if (code !== "ERR_SOCKS_REQUEST_REFUSED") return `: ${message}`;
  if (httpStatus !== undefined) return ` ${describeStatus(asked, httpStatus)}: ${message}`;
  return reply === undefined ? `: ${message}` : describeRefusal(asked, reply);
}

/** What protects the rest could not be put in place. */
export function layerError(hop: Hop, cause: unknown): unknown {
  if (!(cause instanceof AuthError)) return cause;
  const { code, side } = cause;
  const options = { side, stage: "authenticate", hop: hop.reference(), cause } as const;
  return new SocksError(code, `${hop.title()}: ${cause.message}`, options);
}

/** The connection ended before the proxy had said its last word. */
export function closedError(asked: Asked, stage: SocksStage, cause: Error | undefined): SocksError {
  const { hop } = asked;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const how = cause === undefined ? "closed the connection" : `broke the connection (${code ?? cause.message})`;
  const options = { side: "remote", stage, hop: hop.reference(), cause } as const;
  return new SocksError("ERR_SOCKS_PROXY_CLOSED", `${hop.title()} ${how} ${circumstances(asked, stage)}`, options);
}

function circumstances(asked: Asked, stage: SocksStage): string {
  switch (stage) {
    case "negotiate":
      return `instead of choosing an authentication method; it may want another SOCKS version, ${asked.hop.proxy.tls ? "another certificate of this side, " : ""}or not want this client`;
    case "authenticate":
      return "during authentication; the credentials may be wrong";
    default:
      return asked.listening
        ? `while ${nameOf(asked.destination)} was expected to connect; its time for that may be over`
        : `instead of answering the request${purpose(asked)}; it may be ${asked.hop.proxy.protocol === "http" ? "no HTTP proxy, be " : ""}out of order, or refuse without a word`;
  }
}

function purpose({ command, destination }: Asked): string {
  switch (command) {
    case "connect":
      return ` for ${formatAddress(destination)}`;
    case "bind":
      return ` to listen for ${nameOf(destination)}`;
    case "udp-associate":
      return " to relay datagrams";
    case "resolve":
      return ` for the address of ${nameOf(destination)}`;
    case "resolve-ptr":
      return ` for the name of ${nameOf(destination)}`;
  }
}

/** Tells a proxy that refused from a destination that could not be reached. */
function describeRefusal(asked: Asked, reply: number): string {
  const { version } = asked.hop.proxy;
  const octet = `0x${reply.toString(16).padStart(2, "0")}`;
  const destination = nameOf(asked.destination);
  if (version === 4) {
    switch (reply) {
      case SOCKS4_CD.requestRejectedOrFailed:
        return ` ${failure(asked)}: refused or failed, SOCKS 4 does not say which (CD ${octet}); where the proxy wants a password, only SOCKS 5 can give one`;
      case SOCKS4_CD.identdUnreachable:
        return ` refused ${destination}: it could not reach an ident server on this host (CD ${octet})`;
      case SOCKS4_CD.useridMismatch:
        return ` refused ${destination}: the ident server of this host names another user (CD ${octet})`;
      default:
        return ` ${failure(asked)}: unassigned code (CD ${octet})`;
    }
  }
  const advice = torAdvice(reply);
  const text = `${repDescription(reply) ?? "unassigned code"} (REP ${octet})${advice === undefined ? "" : `; ${advice}`}`;
  if (asked.command === "resolve" || asked.command === "resolve-ptr") return ` ${lookUpRefusal(asked, reply)}: ${text}`;
  if (asked.command !== "connect") return ` ${failure(asked)}: ${text}`;
  switch (reply) {
    case REP.networkUnreachable:
    case REP.hostUnreachable:
    case REP.connectionRefused:
    case REP.ttlExpired:
      return ` could not reach ${destination}: ${text}`;
    case REP.connectionNotAllowedByRuleset:
      return ` does not allow ${destination}: ${text}`;
    default:
      return ` ${failure(asked)}: ${text}`;
  }
}

/** How a proxy answers that does not look up. */
function lookUpRefusal(asked: Asked, reply: number): string {
  const name = nameOf(asked.destination);
  switch (reply) {
    case REP.hostUnreachable:
      return `found no ${asked.command === "resolve" ? "address" : "name"} of ${name}`;
    case REP.connectionNotAllowedByRuleset:
      return `does not allow to look ${name} up`;
    case REP.commandNotSupported:
      return `does not look ${name} up, which few proxies but Tor do`;
    default:
      return failure(asked);
  }
}

/**
 * What the status of an HTTP proxy says. Proxies report what became of the destination with any status from 500 on:
 * tinyproxy with 500, Squid with 503 or 504.
 */
function describeStatus({ destination }: Asked, status: number): string {
  const name = formatAddress(destination);
  switch (status) {
    case 403:
      return `does not allow ${name}`;
    case 404:
    case 405:
    case 501:
      return `makes no tunnel to ${name}, it may be a web server and no proxy`;
    case 504:
      return `got no answer from ${name} in time`;
    default:
      return status >= 500 ? `could not reach ${name}` : `did not connect to ${name}`;
  }
}

/** What the proxy did not do, as it follows its name. */
function failure({ command, destination, listening }: Asked): string {
  const name = nameOf(destination);
  switch (command) {
    case "connect":
      return `did not connect to ${name}`;
    case "bind":
      return listening
        ? `listened for ${name}, but did not pass a connection on (nobody came, or somebody else)`
        : `does not listen for ${name}`;
    case "udp-associate":
      return "does not relay datagrams";
    case "resolve":
      return `did not look up the address of ${name}`;
    case "resolve-ptr":
      return `did not look up the name of ${name}`;
  }
}

import { AuthError } from "@sockskit/auth";
import { HandshakeError } from "@sockskit/handshake";
import { ProxyUrlError } from "@sockskit/url";
import { type Address, formatAddress, REP, repDescription, SOCKS4_CD } from "@sockskit/wire";

import { SocksError, type SocksStage } from "../errors.ts";
import type { Hop } from "./hop.ts";

/** What was made impossible by the options: an address, or credentials, that the version cannot carry. */
export function localError(hop: Hop, cause: unknown): unknown {
  if (!(cause instanceof HandshakeError || cause instanceof AuthError || cause instanceof ProxyUrlError)) return cause;
  const options = { side: "local", hop: hop.reference(), cause } as const;
  return new SocksError(cause.code, `${hop.title()}: ${cause.message}`, options);
}

/** The proxy refused, or what it said is not SOCKS. */
export function handshakeError(hop: Hop, destination: Address, cause: HandshakeError): SocksError {
  const { code, side, stage, reply } = cause;
  const what =
    code === "ERR_SOCKS_REQUEST_REFUSED" && reply !== undefined
      ? describeRefusal(hop.proxy.version, reply, formatAddress(destination))
      : `: ${cause.message}`;
  const options = { side, stage, hop: hop.reference(), reply, cause };
  return new SocksError(code, `${hop.title()}${what}`, options);
}

/** The connection ended before the proxy had said its last word. */
export function closedError(hop: Hop, destination: Address, stage: SocksStage, cause: Error | undefined): SocksError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const how = cause === undefined ? "closed the connection" : `broke the connection (${code ?? cause.message})`;
  const options = { side: "remote", stage, hop: hop.reference(), cause } as const;
  return new SocksError(
    "ERR_SOCKS_PROXY_CLOSED",
    `${hop.title()} ${how} ${circumstances(stage, destination)}`,
    options,
  );
}

function circumstances(stage: SocksStage, destination: Address): string {
  switch (stage) {
    case "negotiate":
      return "instead of choosing an authentication method; it may want another SOCKS version, or not want this client";
    case "authenticate":
      return "during authentication; the credentials may be wrong";
    default:
      return `instead of answering the request for ${formatAddress(destination)}; it may be out of order, or refuse without a word`;
  }
}

/** Tells a proxy that refused from a destination that could not be reached. */
function describeRefusal(version: 4 | 5, reply: number, destination: string): string {
  const octet = `0x${reply.toString(16).padStart(2, "0")}`;
  if (version === 4) {
    switch (reply) {
      case SOCKS4_CD.requestRejectedOrFailed:
        return ` did not connect to ${destination}: refused or failed, SOCKS 4 does not say which (CD ${octet})`;
      case SOCKS4_CD.identdUnreachable:
        return ` refused ${destination}: it could not reach an ident server on this host (CD ${octet})`;
      case SOCKS4_CD.useridMismatch:
        return ` refused ${destination}: the ident server of this host names another user (CD ${octet})`;
      default:
        return ` did not connect to ${destination}: unassigned code (CD ${octet})`;
    }
  }
  const text = `${repDescription(reply) ?? "unassigned code"} (REP ${octet})`;
  switch (reply) {
    case REP.networkUnreachable:
    case REP.hostUnreachable:
    case REP.connectionRefused:
    case REP.ttlExpired:
      return ` could not reach ${destination}: ${text}`;
    case REP.connectionNotAllowedByRuleset:
      return ` does not allow ${destination}: ${text}`;
    default:
      return ` did not connect to ${destination}: ${text}`;
  }
}

import { isSocksError, type SocksError, type SocksErrorCode } from "@sockskit/dial";
import { REP, SOCKS4_CD } from "@sockskit/wire";
import type { Alternative } from "./upstream-plan.ts";

/**
 * Whose fault a failure is:
 *
 * - `upstream`: a proxy of the chain does not work. It is put aside, and the next alternative is tried;
 * - `target`: the last proxy answered that the destination cannot be had. That is the answer;
 * - `unsure`: it may be either, or something on this side. The next alternative is tried, and nothing is put aside.
 */
export type Fault = "upstream" | "target" | "unsure";

const HTTP_FORBIDDEN = 403;

/** What the client brought was wrong, or nothing that this proxy takes. */
const ABOUT_CREDENTIALS: ReadonlySet<SocksErrorCode> = new Set([
  "ERR_SOCKS_AUTH_CREDENTIALS",
  "ERR_SOCKS_AUTH_REJECTED",
  "ERR_SOCKS_AUTH_REQUIRED",
  "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
]);

/** What {@link faultOf} has to know of the attempt. */
export interface AttemptNature {
  readonly alternative: Alternative;
  /** Whether the client's own credentials were shown to the last proxy. */
  readonly isForwarding: boolean;
  /** Whether the wait for the answer was cut short for the sake of other alternatives. */
  readonly isCutShort: boolean;
}

/** Says whose fault it is that a connection was not made. */
export function faultOf(error: unknown, { alternative, isForwarding, isCutShort }: AttemptNature): Fault {
  if (!isSocksError(error) || error.stage === undefined || isOurs(error)) return "unsure";
  const { chain } = alternative;
  const isLast = error.hop === undefined || error.hop.index === chain.length - 1;
  if (!isLast) return "upstream";
  const isLogin = error.stage === "negotiate" || error.stage === "authenticate";
  if (isLogin && isForwarding && ABOUT_CREDENTIALS.has(error.code)) return "unsure";
  if (error.stage !== "request") return "upstream";
  switch (error.code) {
    case "ERR_SOCKS_REQUEST_REFUSED":
      // HTTP proxies say 502 and 503 of destinations and of themselves.
      if (error.httpStatus !== undefined) return error.httpStatus === HTTP_FORBIDDEN ? "target" : "unsure";
      return chain.at(-1)?.version === 4 ? faultOfCd(error.reply) : faultOfRep(error.reply);
    case "ERR_SOCKS_TIMEOUT":
      return isCutShort ? "unsure" : "target";
    case "ERR_SOCKS_PROXY_CLOSED":
      // OpenSSH says so that it cannot reach a destination; others, that they break down.
      return "unsure";
    default:
      return "upstream";
  }
}

function faultOfRep(reply: number | undefined): Fault {
  switch (reply) {
    case REP.connectionNotAllowedByRuleset:
    case REP.networkUnreachable:
    case REP.hostUnreachable:
    case REP.connectionRefused:
    case REP.ttlExpired:
      return "target";
    default:
      // Tor speaks of the onion service with these.
      return reply !== undefined && reply >= 0xf0 && reply <= 0xf7 ? "target" : "unsure";
  }
}

function faultOfCd(reply: number | undefined): Fault {
  if (reply === SOCKS4_CD.requestRejectedOrFailed) return "target";
  // The proxy does not let this server in.
  return reply === SOCKS4_CD.identdUnreachable || reply === SOCKS4_CD.useridMismatch ? "upstream" : "unsure";
}

/** What this host has run out of. */
const SHORTAGES: ReadonlySet<unknown> = new Set([
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EADDRNOTAVAIL",
  "EADDRINUSE",
]);

function isOurs({ cause }: SocksError): boolean {
  return SHORTAGES.has((cause as { readonly code?: unknown } | undefined)?.code);
}

import { REP, SOCKS4_CD } from "@sockskit/wire";

/*
 * One table from error codes to REP (RFC 1928 section 6). Codes of the operating
 * system, of the resolver (getaddrinfo and c-ares), and of this suite.
 */
const REP_BY_CODE: ReadonlyMap<string, number> = new Map<string, number>([
  ["EACCES", REP.connectionNotAllowedByRuleset],
  ["EPERM", REP.connectionNotAllowedByRuleset],
  ["ERR_SOCKS_ADDRESS_DENIED", REP.connectionNotAllowedByRuleset],
  ["ERR_SOCKS_AUTH_REJECTED", REP.connectionNotAllowedByRuleset],
  ["ENETUNREACH", REP.networkUnreachable],
  ["ENETDOWN", REP.networkUnreachable],
  ["EHOSTUNREACH", REP.hostUnreachable],
  ["EHOSTDOWN", REP.hostUnreachable],
  ["ENOTFOUND", REP.hostUnreachable],
  ["ENODATA", REP.hostUnreachable],
  ["ENONAME", REP.hostUnreachable],
  ["ESERVFAIL", REP.hostUnreachable],
  ["EREFUSED", REP.hostUnreachable],
  ["ETIMEOUT", REP.hostUnreachable],
  ["ERR_SOCKS_RESOLVE_FAILED", REP.hostUnreachable],
  ["ECONNREFUSED", REP.connectionRefused],
  ["ECONNRESET", REP.connectionRefused],
  ["ETIMEDOUT", REP.ttlExpired],
  ["ERR_SOCKS_TIMEOUT", REP.ttlExpired],
  ["EAFNOSUPPORT", REP.addressTypeNotSupported],
  ["ERR_SOCKS_BAD_ATYP", REP.addressTypeNotSupported],
  ["ERR_SOCKS_NOT_REPRESENTABLE", REP.addressTypeNotSupported],
  ["ERR_SOCKS_COMMAND_NOT_SUPPORTED", REP.commandNotSupported],
  // No proxy on the way works: what lies behind it says nothing, whatever the cause looks like.
  ["ERR_SOCKS_UPSTREAM_FAILED", REP.networkUnreachable],
  ["ERR_SOCKS_PROXY_UNREACHABLE", REP.networkUnreachable],
  ["ERR_SOCKS_PROXY_CLOSED", REP.generalSocksServerFailure],
]);

/** How deep causes are looked into: an error wraps few others, and a circle must end. */
const MAX_CAUSE_DEPTH = 8;

/** The part of an error that {@link repForError} looks at. */
export interface ErrorLike {
  /** Stable code: an errno name, or one of this suite. */
  readonly code?: unknown;
  /** What the error was made from. */
  readonly cause?: unknown;
  /** The octet with which a proxy on the way refused. */
  readonly reply?: unknown;
  /** The status with which an HTTP proxy on the way refused. */
  readonly httpStatus?: unknown;
}

const REP_BY_HTTP_STATUS: ReadonlyMap<unknown, number> = new Map([
  [403, REP.connectionNotAllowedByRuleset],
  [502, REP.hostUnreachable],
  [503, REP.hostUnreachable],
  [504, REP.ttlExpired],
]);

/**
 * The REP octet that tells a client about an error (RFC 1928 section 6). A code that is
 * not in the table gives way to the one of its `cause`; without one it is
 * `generalSocksServerFailure`, 01. Messages are never looked at.
 *
 * The REP with which a proxy on the way refused the request is passed on, Tor's F0 to F7 included. A code of
 * SOCKS 4 says nothing that a REP could say, and becomes 01. Of HTTP 403 becomes 02, 502 and 503 become 04, 504 becomes
 * 06, and everything else 01.
 */
export function repForError(error: ErrorLike): number {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSE_DEPTH && typeof current === "object" && current !== null; depth++) {
    const { code, cause, reply, httpStatus }: ErrorLike = current;
    if (code === "ERR_SOCKS_REQUEST_REFUSED") {
      if (typeof reply === "number") return repForReply(reply);
      return REP_BY_HTTP_STATUS.get(httpStatus) ?? REP.generalSocksServerFailure;
    }
    if (typeof code === "string") {
      const rep = REP_BY_CODE.get(code) ?? (code.startsWith("EAI_") ? REP.hostUnreachable : undefined);
      if (rep !== undefined) return rep;
    }
    current = cause;
  }
  return REP.generalSocksServerFailure;
}

function repForReply(reply: number): number {
  const isAssigned = reply >= REP.generalSocksServerFailure && reply <= REP.addressTypeNotSupported;
  const isOfTor = reply >= 0xf0 && reply <= 0xf7;
  return isAssigned || isOfTor ? reply : REP.generalSocksServerFailure;
}

/**
 * The SOCKS 4 code for a REP. SOCKS 4 has one code, 5b, for every denial and failure;
 * 5c and 5d speak of identd only.
 */
export function socks4CdForRep(rep: number): number {
  return rep === REP.succeeded ? SOCKS4_CD.requestGranted : SOCKS4_CD.requestRejectedOrFailed;
}

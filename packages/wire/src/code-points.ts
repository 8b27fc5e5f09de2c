import { nameIn } from "./internal/name-in.ts";

/** `VER` of every SOCKS 5 message, RFC 1928. */
export const SOCKS5_VERSION = 0x05;
/** `VN` of a SOCKS 4 request. */
export const SOCKS4_VERSION = 0x04;
/** `VN` of a SOCKS 4 reply: the version of the reply format, not of SOCKS. */
export const SOCKS4_REPLY_VERSION = 0x00;
/** `VER` of the user name and password exchange, RFC 1929. */
export const USER_PASS_VERSION = 0x01;

/** `METHOD`: authentication methods, RFC 1928 section 3 and the IANA registry "SOCKS Methods". */
export const METHOD = {
  /** No authentication. */
  noAuthenticationRequired: 0x00,
  /** GSS-API, RFC 1961. */
  gssapi: 0x01,
  /** User name and password, RFC 1929. */
  usernamePassword: 0x02,
  /** CHAP. */
  challengeHandshakeAuthenticationProtocol: 0x03,
  /** CRAM. */
  challengeResponseAuthenticationMethod: 0x05,
  /** TLS inside the connection. */
  secureSocketsLayer: 0x06,
  /** Novell Directory Services. */
  ndsAuthentication: 0x07,
  /** MAF: several methods, one after the other. */
  multiAuthenticationFramework: 0x08,
  /** JSON parameter block; no public description of its octets is known. */
  jsonParameterBlock: 0x09,
  /** An answer only: none of the methods offered. */
  noAcceptableMethods: 0xff,
} as const;

/** `CMD`: commands, RFC 1928 section 4, and Tor's two for name look-ups. */
export const CMD = {
  /** A TCP connection to the destination. */
  connect: 0x01,
  /** Accept one TCP connection from the destination. */
  bind: 0x02,
  /** Relay datagrams. */
  udpAssociate: 0x03,
  /** Tor: look up the addresses of a name. */
  resolve: 0xf0,
  /** Tor: look up the name of an address. */
  resolvePtr: 0xf1,
} as const;

/** `ATYP`: address types, RFC 1928 section 5. */
export const ATYP = {
  /** 4 octets of an IPv4 address. */
  ipv4: 0x01,
  /** One octet of length, then a domain name. */
  domainName: 0x03,
  /** 16 octets of an IPv6 address. */
  ipv6: 0x04,
} as const;

/** `REP`: reply codes, RFC 1928 section 6, and Tor's extended errors for onion services. */
export const REP = {
  /** Done. */
  succeeded: 0x00,
  /** Every failure that no other code names. */
  generalSocksServerFailure: 0x01,
  /** The rules of the server forbid it. */
  connectionNotAllowedByRuleset: 0x02,
  /** No route to the network. */
  networkUnreachable: 0x03,
  /** No route to the host, or its name is not known. */
  hostUnreachable: 0x04,
  /** The host refuses the connection. */
  connectionRefused: 0x05,
  /** The time to live ran out; by convention also: no answer in time. */
  ttlExpired: 0x06,
  /** The server does not know the command. */
  commandNotSupported: 0x07,
  /** The server does not know the address type. */
  addressTypeNotSupported: 0x08,
  /** Tor: the descriptor of the onion service cannot be found. */
  torDescriptorNotFound: 0xf0,
  /** Tor: the descriptor of the onion service is invalid. */
  torDescriptorInvalid: 0xf1,
  /** Tor: the introduction to the onion service failed. */
  torIntroductionFailed: 0xf2,
  /** Tor: the rendezvous with the onion service failed. */
  torRendezvousFailed: 0xf3,
  /** Tor: the onion service wants authorization from its clients. */
  torClientAuthorizationMissing: 0xf4,
  /** Tor: the onion service does not accept this authorization. */
  torClientAuthorizationWrong: 0xf5,
  /** Tor: the onion address has a wrong checksum, key or encoding. */
  torOnionAddressInvalid: 0xf6,
  /** Tor: the introduction to the onion service took too long. */
  torIntroductionTimedOut: 0xf7,
} as const;

/** `STATUS` of RFC 1929 section 2. Every value but `success` is a failure; servers send `failure`. */
export const USER_PASS_STATUS = {
  /** The credentials are accepted. */
  success: 0x00,
  /** They are not; the server closes the connection. */
  failure: 0x01,
} as const;

/** `CD` of SOCKS 4: commands of requests, result codes of replies, and Tor's look-up command. */
export const SOCKS4_CD = {
  /** Request: a TCP connection to the destination. */
  connect: 0x01,
  /** Request: accept one TCP connection from the destination. */
  bind: 0x02,
  /** Reply: done. */
  requestGranted: 0x5a,
  /** Reply: forbidden, or failed for any reason. */
  requestRejectedOrFailed: 0x5b,
  /** Reply: the identd of the client cannot be reached. */
  identdUnreachable: 0x5c,
  /** Reply: the identd of the client names another user. */
  useridMismatch: 0x5d,
  /** Request, Tor: look up the address of a name. */
  resolve: 0xf0,
} as const;

const REP_DESCRIPTIONS: Readonly<Record<keyof typeof REP, string>> = {
  succeeded: "succeeded",
  generalSocksServerFailure: "general SOCKS server failure",
  connectionNotAllowedByRuleset: "connection not allowed by ruleset",
  networkUnreachable: "network unreachable",
  hostUnreachable: "host unreachable",
  connectionRefused: "connection refused",
  ttlExpired: "TTL expired",
  commandNotSupported: "command not supported",
  addressTypeNotSupported: "address type not supported",
  torDescriptorNotFound: "onion service descriptor not found",
  torDescriptorInvalid: "onion service descriptor invalid",
  torIntroductionFailed: "onion service introduction failed",
  torRendezvousFailed: "onion service rendezvous failed",
  torClientAuthorizationMissing: "onion service client authorization missing",
  torClientAuthorizationWrong: "onion service client authorization wrong",
  torOnionAddressInvalid: "onion address invalid",
  torIntroductionTimedOut: "onion service introduction timed out",
};

/** Name of a `METHOD` in {@link METHOD}; `undefined` when the number has none. */
export function methodName(method: number): keyof typeof METHOD | undefined {
  return nameIn(METHOD, method);
}

/** Name of a `CMD` in {@link CMD}; `undefined` when the number has none. */
export function cmdName(cmd: number): keyof typeof CMD | undefined {
  return nameIn(CMD, cmd);
}

/** Name of a `REP` in {@link REP}; `undefined` when the number has none. */
export function repName(rep: number): keyof typeof REP | undefined {
  return nameIn(REP, rep);
}

/** What a `REP` says, as an English phrase ("connection refused"); `undefined` when the number has no name. */
export function repDescription(rep: number): string | undefined {
  const name = repName(rep);
  return name === undefined ? undefined : REP_DESCRIPTIONS[name];
}

/** Name of a SOCKS 4 `CD` in {@link SOCKS4_CD}; `undefined` when the number has none. */
export function socks4CdName(cd: number): keyof typeof SOCKS4_CD | undefined {
  return nameIn(SOCKS4_CD, cd);
}

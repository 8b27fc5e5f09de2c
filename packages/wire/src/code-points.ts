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
  noAuthenticationRequired: 0x00,
  gssapi: 0x01,
  usernamePassword: 0x02,
  challengeHandshakeAuthenticationProtocol: 0x03,
  challengeResponseAuthenticationMethod: 0x05,
  secureSocketsLayer: 0x06,
  ndsAuthentication: 0x07,
  multiAuthenticationFramework: 0x08,
  jsonParameterBlock: 0x09,
  noAcceptableMethods: 0xff,
} as const;

/** `CMD`: commands, RFC 1928 section 4, and Tor's two for name look-ups. */
export const CMD = {
  connect: 0x01,
  bind: 0x02,
  udpAssociate: 0x03,
  resolve: 0xf0,
  resolvePtr: 0xf1,
} as const;

/** `ATYP`: address types, RFC 1928 section 5. */
export const ATYP = {
  ipv4: 0x01,
  domainName: 0x03,
  ipv6: 0x04,
} as const;

/** `REP`: reply codes, RFC 1928 section 6, and Tor's extended errors for onion services. */
export const REP = {
  succeeded: 0x00,
  generalSocksServerFailure: 0x01,
  connectionNotAllowedByRuleset: 0x02,
  networkUnreachable: 0x03,
  hostUnreachable: 0x04,
  connectionRefused: 0x05,
  ttlExpired: 0x06,
  commandNotSupported: 0x07,
  addressTypeNotSupported: 0x08,
  torDescriptorNotFound: 0xf0,
  torDescriptorInvalid: 0xf1,
  torIntroductionFailed: 0xf2,
  torRendezvousFailed: 0xf3,
  torClientAuthorizationMissing: 0xf4,
  torClientAuthorizationWrong: 0xf5,
  torOnionAddressInvalid: 0xf6,
  torIntroductionTimedOut: 0xf7,
} as const;

/** `STATUS` of RFC 1929 section 2. Every value but `success` is a failure; servers send `failure`. */
export const USER_PASS_STATUS = {
  success: 0x00,
  failure: 0x01,
} as const;

/** `CD` of SOCKS 4: commands of requests, result codes of replies, and Tor's look-up command. */
export const SOCKS4_CD = {
  connect: 0x01,
  bind: 0x02,
  requestGranted: 0x5a,
  requestRejectedOrFailed: 0x5b,
  identdUnreachable: 0x5c,
  useridMismatch: 0x5d,
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

function nameIn<T extends Readonly<Record<string, number>>>(table: T, value: number): keyof T | undefined {
  for (const name in table) {
    if (table[name] === value) return name;
  }
  return undefined;
}

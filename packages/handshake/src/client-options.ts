import { type ClientAuthMethod, noneClient } from "@sockskit/auth";
import {
  CMD,
  METHOD,
  WireError,
  addressFields,
  encodeSocks4Request,
  encodeSocks5Request,
  formatAddress,
  unmapAddress,
  type Address,
} from "@sockskit/wire";

import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { MAX_EARLY_DATA_LENGTH } from "./limits.ts";
import type { HandshakeCommand } from "./server-events.ts";

/** What a {@link ClientHandshake} asks for, and how. */
export interface ClientHandshakeOptions {
  /** SOCKS version. With 4, a domain name goes out in the 4A form. */
  readonly version: 4 | 5;
  /** What to do. Default `connect`. SOCKS 4 has neither `udp-associate` nor `resolve-ptr`. */
  readonly command?: HandshakeCommand | undefined;
  /**
   * Where to; for `bind` the expected peer, for `udp-associate` where datagrams will come from (zeros when unknown), for
   * `resolve` the name and for `resolve-ptr` the IP address to look up, with port 0.
   */
  readonly destination: Address;
  /**
   * Octets for the destination that go out right behind the request, before the proxy has answered it (optimistic data);
   * at most {@link MAX_EARLY_DATA_LENGTH}, with `connect` only. RFC 1928 section 6 lets a client send when the success
   * has come; Tor and this project's server take it before. When the request fails, what became of them is not known.
   * Default none.
   */
  readonly earlyData?: Uint8Array | undefined;
  /** SOCKS 4 `USERID`: at most 255 octets, text is sent as UTF-8; no NUL. Default empty. SOCKS 5 has none. */
  readonly userId?: string | Uint8Array | undefined;
  /** Authentication methods to offer with SOCKS 5, in this order. Default `none` alone. */
  readonly authMethods?: readonly ClientAuthMethod[] | undefined;
  /**
   * Whether what proxies do off the specification, but what does no harm, is an error: a non-zero
   * `RSV`, a warning of an authentication method. Default false.
   */
  readonly strict?: boolean | undefined;
  /** Whether a SOCKS 4 reply may begin with 04 instead of 00. Default false. */
  readonly lenientVersion?: boolean | undefined;
}

const CMD_OF: Readonly<Record<HandshakeCommand, number>> = {
  connect: CMD.connect,
  bind: CMD.bind,
  "udp-associate": CMD.udpAssociate,
  resolve: CMD.resolve,
  "resolve-ptr": CMD.resolvePtr,
};

const DEFAULT_METHODS: readonly ClientAuthMethod[] = [noneClient()];
const NO_OCTETS = new Uint8Array(0);
/** `DSTIP` of the 4A form: 0.0.0.x with any x but 0. */
const DOMAIN_FOLLOWS = Uint8Array.of(0x00, 0x00, 0x00, 0x01);

/**
 * Checks the methods to offer.
 *
 * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`.
 */
export function offeredMethods(options: ClientHandshakeOptions): readonly ClientAuthMethod[] {
  const methods = options.authMethods ?? DEFAULT_METHODS;
  if (methods.length === 0 || methods.length > 0xff) {
    throw local("ERR_SOCKS_BAD_OPTION", `authMethods has ${methods.length} methods, expected 1 to 255`, options);
  }
  for (const { method, name } of methods) {
    if (method === METHOD.noAcceptableMethods) {
      throw local("ERR_SOCKS_BAD_OPTION", `authMethods has "${name}" with METHOD 0xff, which is no method`, options);
    }
  }
  return methods;
}

/**
 * Checks the early data, and copies it: its owner may go on using the octets.
 *
 * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_OVERFLOW`.
 */
export function earlyDataOf(options: ClientHandshakeOptions): Uint8Array | undefined {
  const { earlyData, command = "connect" } = options;
  if (earlyData === undefined || earlyData.length === 0) return undefined;
  if (command !== "connect") {
    throw local(
      "ERR_SOCKS_BAD_OPTION",
      `earlyData was given with "${command}"; expected it with "connect" only`,
      options,
    );
  }
  if (earlyData.length > MAX_EARLY_DATA_LENGTH) {
    const message = `earlyData has ${earlyData.length} octets; expected at most ${MAX_EARLY_DATA_LENGTH}`;
    throw local("ERR_SOCKS_OVERFLOW", message, options);
  }
  // Not `slice`: that of a Buffer of Node is no copy.
  return new Uint8Array(earlyData);
}

/**
 * Encodes the request, before anything is sent: what cannot be said is refused here.
 *
 * @throws HandshakeError `ERR_SOCKS_NOT_REPRESENTABLE`, `ERR_SOCKS_BAD_ADDRESS`, `ERR_SOCKS_BAD_PORT`,
 * `ERR_SOCKS_BAD_FIELD`, `ERR_SOCKS_OVERFLOW`.
 */
export function encodeRequest(options: ClientHandshakeOptions): Uint8Array {
  const { version, destination, command = "connect" } = options;
  if (command === "connect" && destination.port === 0) {
    throw local("ERR_SOCKS_BAD_PORT", `cannot connect to ${formatAddress(destination)}: port 0 is none`, options);
  }
  if (command === "resolve-ptr" && destination.type === "domain") {
    const message = `cannot look up the name of ${destination.host}: it is no IP address`;
    throw local("ERR_SOCKS_BAD_ADDRESS", message, options);
  }
  try {
    return version === 5 ? encodeRequest5(options, CMD_OF[command]) : encodeRequest4(options, CMD_OF[command]);
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw local(cause.code, `cannot make the request: ${cause.message}`, options, cause);
  }
}

function encodeRequest5(options: ClientHandshakeOptions, cmd: number): Uint8Array {
  const { destination } = options;
  if (destination.type === "ipv6" && destination.zone !== undefined) {
    throw unrepresentable(options, "a zone means nothing to a proxy");
  }
  const { atyp, addr } = addressFields(destination);
  return encodeSocks5Request({ cmd, atyp, dstAddr: addr, dstPort: destination.port });
}

function encodeRequest4(options: ClientHandshakeOptions, cmd: number): Uint8Array {
  if (cmd === CMD.udpAssociate) {
    throw local("ERR_SOCKS_NOT_REPRESENTABLE", "SOCKS 4 has no UDP ASSOCIATE; use SOCKS 5", options);
  }
  if (cmd === CMD.resolvePtr) {
    throw local("ERR_SOCKS_NOT_REPRESENTABLE", "SOCKS 4 has no RESOLVE_PTR; use SOCKS 5", options);
  }
  const userid = userIdOctets(options);
  const destination = unmapAddress(options.destination);
  const dstPort = destination.port;
  if (destination.type === "domain") {
    return encodeSocks4Request({ cd: cmd, dstPort, dstIp: DOMAIN_FOLLOWS, userid, domain: destination.octets });
  }
  if (destination.type === "ipv6") throw unrepresentable(options, "it has no IPv6; use SOCKS 5");
  const [a, b, c, d] = destination.octets;
  if (a === 0 && b === 0 && c === 0 && d !== 0) throw unrepresentable(options, "0.0.0.x announces a name there");
  return encodeSocks4Request({ cd: cmd, dstPort, dstIp: destination.octets, userid });
}

function userIdOctets(options: ClientHandshakeOptions): Uint8Array {
  const { userId } = options;
  if (userId === undefined) return NO_OCTETS;
  return typeof userId === "string" ? new TextEncoder().encode(userId) : userId;
}

function unrepresentable(options: ClientHandshakeOptions, reason: string): HandshakeError {
  const what = formatAddress(options.destination);
  return local(
    "ERR_SOCKS_NOT_REPRESENTABLE",
    `SOCKS ${options.version} cannot carry the address ${what}: ${reason}`,
    options,
  );
}

function local(
  code: HandshakeErrorCode,
  message: string,
  options: ClientHandshakeOptions,
  cause?: unknown,
): HandshakeError {
  return new HandshakeError(code, message, { side: "local", stage: "request", version: options.version, cause });
}

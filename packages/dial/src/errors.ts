import type { HandshakeErrorCode } from "@sockskit/handshake";
import type { ProxyUrlErrorCode } from "@sockskit/url";

/**
 * Where on the way a failure happened.
 *
 * - `resolve`: a host name was being looked up.
 * - `dial-proxy`: a connection to the first proxy was being opened.
 * - `tls`: client and proxy were making TLS.
 * - `negotiate`: client and proxy were agreeing on version and authentication method.
 * - `authenticate`: the chosen method was running.
 * - `request`: the proxy was asked for the destination, or the destination was dialled without a proxy.
 * - `relay`: the tunnel was open.
 */
export type SocksStage = "resolve" | "dial-proxy" | "tls" | "negotiate" | "authenticate" | "request" | "relay";

/** Every code that a {@link SocksError} can carry; `docs/errors.md` says for each what to do. */
export type SocksErrorCode =
  | HandshakeErrorCode
  | ProxyUrlErrorCode
  | "ERR_SOCKS_RESOLVE_FAILED"
  | "ERR_SOCKS_PROXY_UNREACHABLE"
  | "ERR_SOCKS_TARGET_UNREACHABLE"
  | "ERR_SOCKS_PROXY_CLOSED"
  | "ERR_SOCKS_VERSION_UNKNOWN"
  | "ERR_SOCKS_TIMEOUT"
  | "ERR_SOCKS_ABORTED"
  | "ERR_SOCKS_NOT_TLS"
  | "ERR_SOCKS_TLS_EXPIRED"
  | "ERR_SOCKS_TLS_FAILED"
  | "ERR_SOCKS_TLS_UNTRUSTED"
  | "ERR_SOCKS_TLS_WRONG_NAME"
  | "ERR_SOCKS_ADDRESS_DENIED";

/** One proxy of a chain, as errors and progress events name it. */
export interface HopReference {
  /** Its place in the chain; `0` is the proxy nearest to this host. */
  readonly index: number;
  /** Its URL without the password. */
  readonly proxy: string;
}

/** What a {@link SocksError} knows besides its code and message. */
export interface SocksErrorOptions {
  /** Whose fault it is: `local`, this program asked for something impossible; `remote`, the network or a peer. */
  readonly side: "local" | "remote";
  /** Where it happened; absent when nothing was begun because the options are wrong. */
  readonly stage?: SocksStage | undefined;
  /** The proxy it happened at; absent where none is involved. */
  readonly hop?: HopReference | undefined;
  /** The `REP` or `CD` octet that the proxy gave, or the `STATUS` of a rejected password. */
  readonly reply?: number | undefined;
  /** The status with which an HTTP proxy refused. */
  readonly httpStatus?: number | undefined;
  /** Octets of `earlyData` that were sent. */
  readonly earlyOctetsSent?: number | undefined;
  /** The error below: a system error with `errno`, a `HandshakeError`, the reason of an `AbortSignal`. */
  readonly cause?: unknown;
}

// Two copies of this package in one program must recognise each other's errors.
const BRAND: unique symbol = Symbol.for("sockskit.SocksError");

/**
 * A connection that could not be made. The message alone tells a dead proxy from a proxy that refused
 * and from a destination that refused; programs match {@link SocksError.code}.
 *
 * No credential is ever part of it, hidden properties and `cause` included.
 */
export class SocksError extends Error {
  /** Always `"SocksError"`. */
  override readonly name = "SocksError";
  /** What went wrong; stable across versions. */
  readonly code: SocksErrorCode;
  /** Whose fault it is. */
  readonly side: "local" | "remote";
  /** Where it happened; `undefined` when nothing was begun because the options are wrong. */
  readonly stage: SocksStage | undefined;
  /** The proxy it happened at; `undefined` where none is involved. */
  readonly hop: HopReference | undefined;
  /** The octet with which the proxy refused, when it gave one: `REP` of SOCKS 5, `CD` of SOCKS 4. */
  readonly reply: number | undefined;
  /** The status with which an HTTP proxy refused, 101 or 300 to 999. */
  readonly httpStatus: number | undefined;
  /**
   * How many octets of `earlyData` had been sent by then, else 0. When there are some, the destination may have got them,
   * whole or in part: only what may happen twice can be tried again.
   */
  readonly earlyOctetsSent: number;

  /** Makes the error; `message` is for people and must hold no secret. */
  constructor(code: SocksErrorCode, message: string, options: SocksErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side;
    this.stage = options.stage;
    this.hop = options.hop;
    this.reply = options.reply;
    this.httpStatus = options.httpStatus;
    this.earlyOctetsSent = options.earlyOctetsSent ?? 0;
  }

  /** Tells whether `value` is a `SocksError`, also one made by another copy of this package. */
  static isSocksError(value: unknown): value is SocksError {
    return isSocksError(value);
  }
}

Object.defineProperty(SocksError.prototype, BRAND, { value: true });

/** Tells whether `value` is a {@link SocksError}, also one made by another copy of this package. */
export function isSocksError(value: unknown): value is SocksError {
  return value instanceof Error && (value as { [BRAND]?: unknown })[BRAND] === true;
}

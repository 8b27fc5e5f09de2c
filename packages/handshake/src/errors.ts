import type { AuthErrorCode } from "@sockskit/auth";
import type { WireErrorCode } from "@sockskit/wire";

/**
 * Stable code of a {@link HandshakeError}: those of the packages below, and
 *
 * - `ERR_SOCKS_NOT_SOCKS`: the peer's first octet belongs to another protocol.
 * - `ERR_SOCKS_NOT_HTTP`: what should be an HTTP proxy answered in another protocol.
 * - `ERR_SOCKS_VERSION_REFUSED`: a SOCKS version that this server does not take.
 * - `ERR_SOCKS_NO_ACCEPTABLE_METHOD`: no authentication method in common.
 * - `ERR_SOCKS_METHOD_NOT_OFFERED`: the proxy chose a method that was not offered.
 * - `ERR_SOCKS_AUTH_REQUIRED`: SOCKS 4, which cannot authenticate, where authentication is required.
 * - `ERR_SOCKS_COMMAND_NOT_SUPPORTED`: a command that this server does not take.
 * - `ERR_SOCKS_REQUEST_REFUSED`: the request was answered with a failure; see `reply`.
 * - `ERR_SOCKS_NOT_REPRESENTABLE`: what was asked for has no form in that SOCKS version.
 * - `ERR_SOCKS_BAD_OPTION`: an option is out of its range.
 * - `ERR_SOCKS_STATE`: a verb was called where the machine does not allow it.
 */
export type HandshakeErrorCode =
  | WireErrorCode
  | AuthErrorCode
  | "ERR_SOCKS_NOT_SOCKS"
  | "ERR_SOCKS_NOT_HTTP"
  | "ERR_SOCKS_VERSION_REFUSED"
  | "ERR_SOCKS_NO_ACCEPTABLE_METHOD"
  | "ERR_SOCKS_METHOD_NOT_OFFERED"
  | "ERR_SOCKS_AUTH_REQUIRED"
  | "ERR_SOCKS_COMMAND_NOT_SUPPORTED"
  | "ERR_SOCKS_REQUEST_REFUSED"
  | "ERR_SOCKS_NOT_REPRESENTABLE"
  | "ERR_SOCKS_BAD_OPTION"
  | "ERR_SOCKS_STATE";

/** Part of the handshake in which something went wrong. */
export type HandshakeStage = "negotiate" | "authenticate" | "request";

/** What a {@link HandshakeError} is made with, besides its code and message. */
export interface HandshakeErrorOptions {
  /** Whose fault it is: ours (`local`) or the peer's (`remote`). */
  readonly side: "local" | "remote";
  /** Part of the handshake in which it happened. */
  readonly stage: HandshakeStage;
  /** Client side: the `REP` or `CD` octet that the proxy gave. */
  readonly reply?: number | undefined;
  /** Client side: the status with which an HTTP proxy refused. */
  readonly httpStatus?: number | undefined;
  /** Server side: the `REP` or `CD` octet that the client was given. */
  readonly rep?: number | undefined;
  /** SOCKS version of the conversation, once it is known. */
  readonly version?: 4 | 5 | undefined;
  /** What caused it, when something did. */
  readonly cause?: unknown;
}

/** A handshake that cannot go on, or a misuse of a machine. Its message never holds a credential. */
export class HandshakeError extends Error {
  /** Always `HandshakeError`. */
  override readonly name = "HandshakeError";
  /** Stable code; match on this, not on the message. */
  readonly code: HandshakeErrorCode;
  /** Whose fault it is: ours (`local`) or the peer's (`remote`). */
  readonly side: "local" | "remote";
  /** Part of the handshake in which it happened. */
  readonly stage: HandshakeStage;
  /** Client side: the `REP` (SOCKS 5) or `CD` (SOCKS 4) octet that the proxy gave, unassigned ones too. */
  readonly reply: number | undefined;
  /** Client side: the status with which an HTTP proxy refused, 101 or 300 to 999. */
  readonly httpStatus: number | undefined;
  /** Server side: the `REP` (SOCKS 5) or `CD` (SOCKS 4) octet that the client was given. */
  readonly rep: number | undefined;
  /** SOCKS version of the conversation, once it is known. */
  readonly version: 4 | 5 | undefined;

  /**
   * @param code - Stable code.
   * @param message - Text for a person, without secrets.
   * @param options - Side, stage and details.
   */
  constructor(code: HandshakeErrorCode, message: string, options: HandshakeErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side;
    this.stage = options.stage;
    this.reply = options.reply;
    this.httpStatus = options.httpStatus;
    this.rep = options.rep;
    this.version = options.version;
  }
}

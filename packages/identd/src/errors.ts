/**
 * Stable code of an {@link IdentError}.
 *
 * - `ERR_SOCKS_BAD_IDENT`: a peer sent a line that is none of RFC 1413, or an answer to another question.
 * - `ERR_SOCKS_OVERFLOW`: a peer sent a line longer than {@link MAX_IDENT_LINE_LENGTH}.
 * - `ERR_SOCKS_BAD_FIELD`: a value that cannot be sent.
 * - `ERR_SOCKS_BAD_OPTION`: an option is out of its range.
 * - `ERR_SOCKS_IDENT_UNREACHABLE`: nothing answers on the ident port of a host; `cause` has the system's error.
 * - `ERR_SOCKS_TIMEOUT`: no answer in time.
 * - `ERR_SOCKS_ABORTED`: the caller's signal ended the question.
 * - `ERR_SOCKS_IDENT_LOOKUP`: the owner of a connection could not be looked up.
 * - `ERR_SOCKS_LISTEN_FAILED`: the server cannot listen, or accepting fails; `cause` has the system's error.
 * - `ERR_SOCKS_SERVER_STATE`: a method of the server was called at a time when it makes no sense.
 */
export type IdentErrorCode =
  | "ERR_SOCKS_BAD_IDENT"
  | "ERR_SOCKS_OVERFLOW"
  | "ERR_SOCKS_BAD_FIELD"
  | "ERR_SOCKS_BAD_OPTION"
  | "ERR_SOCKS_IDENT_UNREACHABLE"
  | "ERR_SOCKS_TIMEOUT"
  | "ERR_SOCKS_ABORTED"
  | "ERR_SOCKS_IDENT_LOOKUP"
  | "ERR_SOCKS_LISTEN_FAILED"
  | "ERR_SOCKS_SERVER_STATE";

/** What an {@link IdentError} is made with, besides its code and message. */
export interface IdentErrorOptions {
  /** Whose fault it is: ours (`local`), or the network's or a peer's (`remote`). */
  readonly side: "local" | "remote";
  /** What caused it, when something did. */
  readonly cause?: unknown;
}

/** Something of the Identification Protocol that did not work. Its message quotes no octet of a peer. */
export class IdentError extends Error {
  /** Always `"IdentError"`. */
  override readonly name = "IdentError";
  /** What happened; stable. Match on this, not on the message. */
  readonly code: IdentErrorCode;
  /** Whose fault it is: ours (`local`), or the network's or a peer's (`remote`). */
  readonly side: "local" | "remote";

  /** Makes an error with a stable code. */
  constructor(code: IdentErrorCode, message: string, options: IdentErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side;
  }
}

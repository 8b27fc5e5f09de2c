/**
 * Stable code of an {@link AuthError}.
 *
 * - `ERR_SOCKS_AUTH_REJECTED`: the peer (or the verdict, on a server) refused the credentials.
 * - `ERR_SOCKS_AUTH_PROTOCOL`: the octets break the method's own protocol, or its verbs were called
 *   out of order (`side: "local"`).
 * - `ERR_SOCKS_AUTH_CREDENTIALS`: the credentials given cannot be sent; nothing of them left this side.
 * - `ERR_SOCKS_AUTH_UNTRUSTED`: the proxy was to prove that it knows the password as well, and did not.
 * - `ERR_SOCKS_BAD_OPTION`: an option of a method is out of its range.
 */
export type AuthErrorCode =
  | "ERR_SOCKS_AUTH_REJECTED"
  | "ERR_SOCKS_AUTH_PROTOCOL"
  | "ERR_SOCKS_AUTH_CREDENTIALS"
  | "ERR_SOCKS_AUTH_UNTRUSTED"
  | "ERR_SOCKS_BAD_OPTION";

/** What an {@link AuthError} is made with, besides its code and message. */
export interface AuthErrorOptions {
  /** Whose fault it is: ours (`local`) or the peer's (`remote`). */
  readonly side: "local" | "remote";
  /** What caused it, when something did. */
  readonly cause?: unknown;
}

/** An authentication that cannot go on. Its message never holds a credential. */
export class AuthError extends Error {
  /** Always `AuthError`. */
  override readonly name = "AuthError";
  /** Stable code; match on this, not on the message. */
  readonly code: AuthErrorCode;
  /** Whose fault it is: ours (`local`) or the peer's (`remote`). */
  readonly side: "local" | "remote";

  /**
   * @param code - Stable code.
   * @param message - Text for a person, without secrets.
   * @param options - Side and cause.
   */
  constructor(code: AuthErrorCode, message: string, options: AuthErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side;
  }
}

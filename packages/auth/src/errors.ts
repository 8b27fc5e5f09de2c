/**
 * Stable code of an {@link AuthError}.
 *
 * - `ERR_SOCKS_AUTH_REJECTED`: the peer (or the verdict, on a server) refused the credentials.
 * - `ERR_SOCKS_AUTH_PROTOCOL`: the octets break the method's own protocol, or its verbs were called
 *   out of order (`side: "local"`).
 * - `ERR_SOCKS_AUTH_CREDENTIALS`: the credentials given cannot be sent; nothing of them left this side.
 * - `ERR_SOCKS_AUTH_UNTRUSTED`: the proxy was to prove that it knows the password as well, and did not.
 * - `ERR_SOCKS_GSSAPI_LIBRARY`: the Kerberos library, or what calls it, is not there.
 * - `ERR_SOCKS_GSSAPI_NO_CREDENTIALS`: no ticket, keytab or password that can be used.
 * - `ERR_SOCKS_GSSAPI_CLOCK_SKEW`: the clocks of the two sides, or of the KDC, differ too much.
 * - `ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN`: the KDC does not know the service of the proxy.
 * - `ERR_SOCKS_GSSAPI_WRONG_KEY`: a ticket or a password does not fit the key.
 * - `ERR_SOCKS_GSSAPI_KDC_UNREACHABLE`: no KDC answers, or none is known for the realm.
 * - `ERR_SOCKS_GSSAPI_EXPIRED`: the ticket or the context is too old.
 * - `ERR_SOCKS_GSSAPI_BUSY`: too many others wait for a KDC.
 * - `ERR_SOCKS_GSSAPI_PROTECTION`: the two sides allow no common protection.
 * - `ERR_SOCKS_GSSAPI_TAMPERED`: a protected message was changed, repeated, left out or cut off.
 * - `ERR_SOCKS_GSSAPI_FAILED`: something else failed in the mechanism.
 * - `ERR_SOCKS_NO_ACCEPTABLE_METHOD`, `ERR_SOCKS_METHOD_NOT_OFFERED`: inside TLS inside SOCKS, no method in common, or
 *   the proxy chose another one.
 * - `ERR_SOCKS_BAD_OPTION`: an option of a method is out of its range.
 */
export type AuthErrorCode =
  | "ERR_SOCKS_AUTH_REJECTED"
  | "ERR_SOCKS_AUTH_PROTOCOL"
  | "ERR_SOCKS_AUTH_CREDENTIALS"
  | "ERR_SOCKS_AUTH_UNTRUSTED"
  | "ERR_SOCKS_GSSAPI_LIBRARY"
  | "ERR_SOCKS_GSSAPI_NO_CREDENTIALS"
  | "ERR_SOCKS_GSSAPI_CLOCK_SKEW"
  | "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN"
  | "ERR_SOCKS_GSSAPI_WRONG_KEY"
  | "ERR_SOCKS_GSSAPI_KDC_UNREACHABLE"
  | "ERR_SOCKS_GSSAPI_EXPIRED"
  | "ERR_SOCKS_GSSAPI_BUSY"
  | "ERR_SOCKS_GSSAPI_PROTECTION"
  | "ERR_SOCKS_GSSAPI_TAMPERED"
  | "ERR_SOCKS_GSSAPI_FAILED"
  | "ERR_SOCKS_NO_ACCEPTABLE_METHOD"
  | "ERR_SOCKS_METHOD_NOT_OFFERED"
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

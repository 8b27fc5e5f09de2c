/**
 * Stable codes of {@link WireError}.
 *
 * - `ERR_SOCKS_BAD_VERSION`: the version octet is another one than the message has.
 * - `ERR_SOCKS_BAD_ATYP`: the address type is unassigned, so the length of the address is unknown.
 * - `ERR_SOCKS_BAD_ADDRESS`: an address, name or network cannot be used.
 * - `ERR_SOCKS_BAD_PORT`: a port is missing or is no whole number from 0 to 65535.
 * - `ERR_SOCKS_BAD_FIELD`: another field cannot be decoded or encoded.
 * - `ERR_SOCKS_OVERFLOW`: a field or a message is longer than its limit.
 */
export type WireErrorCode =
  | "ERR_SOCKS_BAD_VERSION"
  | "ERR_SOCKS_BAD_ATYP"
  | "ERR_SOCKS_BAD_ADDRESS"
  | "ERR_SOCKS_BAD_PORT"
  | "ERR_SOCKS_BAD_FIELD"
  | "ERR_SOCKS_OVERFLOW";

/** What a {@link WireError} is made from, besides code and message. */
export interface WireErrorOptions {
  /** Whose mistake it is. */
  readonly side: "local" | "remote";
  /** `REP` octet to answer with, where the protocol still allows an answer. */
  readonly rep?: number;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The only error this package throws: octets, text or values that no SOCKS message can have. */
export class WireError extends Error {
  /** Always `"WireError"`. */
  override readonly name = "WireError" as const;
  /** What is wrong, in a form that does not change between versions. */
  readonly code: WireErrorCode;
  /** `"local"`: the caller asked for what cannot be sent. `"remote"`: the peer sent what cannot be read. */
  readonly side: "local" | "remote";
  /** `REP` octet a server should answer with; absent where the protocol has no answer. */
  declare readonly rep?: number;

  /** Makes an error; `message` is for people and may change between versions. */
  constructor(code: WireErrorCode, message: string, options: WireErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side;
    if (options.rep !== undefined) this.rep = options.rep;
  }
}

/**
 * Stable codes of {@link ProxyUrlError}.
 *
 * - `ERR_SOCKS_BAD_PROXY_URL`: a proxy URL, or a chain of them, cannot be read.
 * - `ERR_SOCKS_UNKNOWN_SCHEME`: the URL is well formed, its scheme names no proxy that is known.
 * - `ERR_SOCKS_BAD_PAC_RESULT`: the text that a PAC script returned cannot be used.
 * - `ERR_SOCKS_BAD_BYPASS_LIST`: a list of addresses to reach directly cannot be read.
 * - `ERR_SOCKS_BAD_ENVIRONMENT`: an environment variable that is not a URL or a list has a useless value.
 * - `ERR_SOCKS_CREDENTIALS_LOST`: a {@link ProxyUrl} was copied, and the password did not travel along.
 */
export type ProxyUrlErrorCode =
  | "ERR_SOCKS_BAD_PROXY_URL"
  | "ERR_SOCKS_UNKNOWN_SCHEME"
  | "ERR_SOCKS_BAD_PAC_RESULT"
  | "ERR_SOCKS_BAD_BYPASS_LIST"
  | "ERR_SOCKS_BAD_ENVIRONMENT"
  | "ERR_SOCKS_CREDENTIALS_LOST";

/** What a {@link ProxyUrlError} knows besides its code and message. */
export interface ProxyUrlErrorOptions {
  /** The text that was refused, already redacted. */
  readonly input: string;
  /** Where in the text the mistake is: index of a UTF-16 unit, from 0. */
  readonly position?: number | undefined;
  /** The environment variable that held the text. */
  readonly variable?: string | undefined;
  /** The error underneath, for example a `WireError` about the host. */
  readonly cause?: unknown;
}

/** A proxy setting that cannot be used. It never holds a password: `input` and `message` are redacted. */
export class ProxyUrlError extends Error {
  /** Always `"ProxyUrlError"`. */
  override readonly name = "ProxyUrlError";
  /** Which kind of mistake; stable. */
  readonly code: ProxyUrlErrorCode;
  /** Always `"local"`: a setting of this side is wrong. */
  readonly side = "local";
  /** The text that was refused, redacted and cut to a printable length. */
  readonly input: string;
  /** Where in the text the mistake is: index of a UTF-16 unit, from 0. Absent when it concerns the whole. */
  readonly position?: number;
  /** The environment variable that held the text, when it came from one. */
  readonly variable?: string;

  /**
   * Makes the error. The message names, in this order, the variable, the redacted input, what is wrong, and the
   * position counted from 1.
   */
  constructor(code: ProxyUrlErrorCode, problem: string, options: ProxyUrlErrorOptions) {
    const { input, position, variable, cause } = options;
    const where = position === undefined ? "" : ` (at character ${position + 1})`;
    const prefix = variable === undefined ? "" : `${variable}: `;
    super(`${prefix}"${input}": ${problem}${where}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.input = input;
    if (position !== undefined) this.position = position;
    if (variable !== undefined) this.variable = variable;
  }
}

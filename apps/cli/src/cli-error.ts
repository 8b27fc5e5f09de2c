import { EXIT_STATUS } from "./exit-status.ts";

/**
 * Stable codes of {@link CliError}; failures of the connection itself have the codes of `@sockskit/dial`.
 *
 * - `ERR_SOCKS_USAGE`: the command line is wrong.
 * - `ERR_SOCKS_NOT_SUPPORTED_YET`: the command is planned, and not there yet.
 * - `ERR_SOCKS_BAD_LIST`: a line of a list of proxies cannot be read.
 * - `ERR_SOCKS_NO_PROXY`: neither `-x` nor the environment names a proxy.
 * - `ERR_SOCKS_NOT_SOCKS`: what was probed is no SOCKS proxy.
 * - `ERR_SOCKS_TUNNEL_BROKEN`: the connection broke after it had been opened.
 * - `ERR_SOCKS_TLS_FAILED`: no TLS with the destination, or its certificate is not trusted.
 * - `ERR_SOCKS_HTTP_FAILED`: the destination did not answer in HTTP, or redirects without end.
 * - `ERR_SOCKS_HTTP_STATUS`: `--fail` was given and the status is 400 or more.
 * - `ERR_SOCKS_TIMEOUT`: `--max-time` has passed.
 * - `ERR_SOCKS_NO_TERMINAL`: a proxy asks a person something, and there is no terminal.
 * - `ERR_SOCKS_FILE`: a file cannot be read or written.
 * - `ERR_SOCKS_LISTEN_FAILED`: the local address cannot be listened on.
 * - `ERR_SOCKS_BROKEN_PIPE`: nobody reads standard output any more.
 */
export type CliErrorCode =
  | "ERR_SOCKS_USAGE"
  | "ERR_SOCKS_NOT_SUPPORTED_YET"
  | "ERR_SOCKS_BAD_LIST"
  | "ERR_SOCKS_NO_PROXY"
  | "ERR_SOCKS_NOT_SOCKS"
  | "ERR_SOCKS_TUNNEL_BROKEN"
  | "ERR_SOCKS_TLS_FAILED"
  | "ERR_SOCKS_HTTP_FAILED"
  | "ERR_SOCKS_HTTP_STATUS"
  | "ERR_SOCKS_TIMEOUT"
  | "ERR_SOCKS_NO_TERMINAL"
  | "ERR_SOCKS_FILE"
  | "ERR_SOCKS_LISTEN_FAILED"
  | "ERR_SOCKS_BROKEN_PIPE";

const STATUS_OF: Readonly<Partial<Record<CliErrorCode, number>>> = {
  ERR_SOCKS_USAGE: EXIT_STATUS.usage,
  ERR_SOCKS_NOT_SUPPORTED_YET: EXIT_STATUS.usage,
  ERR_SOCKS_BAD_LIST: EXIT_STATUS.usage,
  ERR_SOCKS_NO_PROXY: EXIT_STATUS.usage,
  ERR_SOCKS_NOT_SOCKS: EXIT_STATUS.negotiate,
  ERR_SOCKS_NO_TERMINAL: EXIT_STATUS.authenticate,
  ERR_SOCKS_TUNNEL_BROKEN: EXIT_STATUS.relay,
  ERR_SOCKS_TIMEOUT: EXIT_STATUS.timeout,
  ERR_SOCKS_BROKEN_PIPE: EXIT_STATUS["broken-pipe"],
};

/** A failure that a person can act on. */
export class CliError extends Error {
  /** Always `"CliError"`. */
  override readonly name = "CliError";
  /** What went wrong; stable. */
  readonly code: CliErrorCode;
  /** With what the process ends. */
  readonly exitStatus: number;

  /** Makes the error; the message is one sentence without secrets. */
  constructor(code: CliErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitStatus = STATUS_OF[code] ?? EXIT_STATUS.failure;
  }
}

/** The command line is wrong. */
export function usageError(message: string): CliError {
  return new CliError("ERR_SOCKS_USAGE", message);
}

/** Code of a system error such as `ECONNREFUSED`, or what else there is to say about it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

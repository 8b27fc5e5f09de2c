/** The command line was used wrongly; `code` is `ERR_SOCKS_USAGE`. The message is one line and says what to do. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
  /** Stable code, for programs. */
  readonly code = "ERR_SOCKS_USAGE" as const;
}

import { usageError } from "./cli-error.ts";
import { showArgument } from "./show-argument.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d{1,10}(?:\.\d{1,3})?)(ms|s|m|h)$/;
/** What a timer can wait for: about 24 days. */
const MAX_DURATION_MS = 0x7fffffff;

/**
 * Milliseconds of `500ms`, `10s`, `2m` or `1h`; decimals are allowed, zero is not.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parseDuration(text: string): number {
  const [, number = "", unit = ""] = DURATION.exec(text) ?? [];
  const ms = Math.round(Number(number) * (UNIT_MS[unit] ?? 0));
  if (ms >= 1 && ms <= MAX_DURATION_MS) return ms;
  throw usageError(`${showArgument(text)} is no duration; expected for example 500ms, 10s, 2m or 1h, at most 596h`);
}

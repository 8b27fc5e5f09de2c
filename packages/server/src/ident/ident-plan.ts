import { badOption } from "../errors.ts";
import type { IdentOptions } from "../options.ts";

/** How SOCKS 4 clients are asked for, with the defaults. */
export interface IdentPlan {
  readonly mode: "ask" | "require";
  readonly port: number;
  readonly timeoutMs: number;
  /**
   * Whether an answer gives a name that rules can know. Where users have passwords, a name is theirs who know the
   * password, and no other host's to give.
   */
  readonly namesUsers: boolean;
}

/** Keys of {@link IdentOptions}. */
export const IDENT_KEYS: readonly string[] = ["mode", "port", "timeoutMs"];

const MODES: readonly unknown[] = ["off", "ask", "require"];
/** A blocked port that drops packets adds this to each request. */
const MAX_IDENT_TIMEOUT_MS = 60_000;

/**
 * Checks options; `undefined` when nobody is asked.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function identPlan(options: IdentOptions | undefined, hasCredentials: boolean): IdentPlan | undefined {
  const { mode = "off", port = 113, timeoutMs = 3_000 } = options ?? {};
  if (!MODES.includes(mode)) throw badOption(["ident", "mode"], 'expected "off", "ask" or "require"');
  if (!Number.isInteger(port) || port < 1 || port > 0xffff)
    throw badOption(["ident", "port"], `port ${String(port)} is not a number from 1 to 65535`);
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= MAX_IDENT_TIMEOUT_MS)) {
    const problem = `${String(timeoutMs)} is not a time; expected 1 to ${MAX_IDENT_TIMEOUT_MS} milliseconds`;
    throw badOption(["ident", "timeoutMs"], problem);
  }
  return mode === "off" ? undefined : { mode, port, timeoutMs, namesUsers: mode === "require" && !hasCredentials };
}

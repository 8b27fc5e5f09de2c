import { AuthError } from "../errors.ts";

/** The error for a verdict or an answer that nobody asked for. */
export function notAwaited(verb: "resolve" | "answer" = "resolve"): AuthError {
  const message =
    verb === "resolve"
      ? "no verdict is awaited: resolve() needs a verify step before it"
      : "no answer is awaited: answer() needs an ask step before it";
  return new AuthError("ERR_SOCKS_AUTH_PROTOCOL", message, { side: "local" });
}

import { AuthError } from "../errors.ts";

const MESSAGES = {
  resolve: "no verdict is awaited: resolve() needs a verify step before it",
  answer: "no answer is awaited: answer() needs an ask step before it, and an answer of its type",
  secured: "no layer is awaited: secured() needs a secure step before it",
} as const;

/** The error for a verdict, an answer or a layer that nobody asked for. */
export function notAwaited(verb: keyof typeof MESSAGES = "resolve"): AuthError {
  return new AuthError("ERR_SOCKS_AUTH_PROTOCOL", MESSAGES[verb], { side: "local" });
}

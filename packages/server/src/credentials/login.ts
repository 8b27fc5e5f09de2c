import type { FailureLimit } from "../limits/failure-limit.ts";
import { clientKey } from "../limits/client-key.ts";
import type { CredentialAttempt, CredentialStore } from "./credential-store.ts";

/** How a log-in ended. */
export type LoginResult =
  | { readonly accepted: true; readonly identity: string; readonly groups: readonly string[] }
  | {
      readonly accepted: false;
      /** `limited`: this client failed too often and was not looked at. The others are as in a verdict. */
      readonly reason: "rejected" | "busy" | "cancelled" | "limited";
    };

const LIMITED: LoginResult = { accepted: false, reason: "limited" };

/**
 * Asks the store, unless the client has failed too often. A client that is over its limit is not helped by a
 * password that is right: otherwise it could go on guessing the passwords that the store remembers.
 */
export function logIn(
  attempt: CredentialAttempt,
  store: CredentialStore,
  failures: FailureLimit,
): LoginResult | Promise<LoginResult> {
  const client = clientKey(attempt.client);
  if (failures.isBlocked(client)) return LIMITED;
  const { username, password, cancelled } = attempt;
  // What waits in the store's queue is dropped there when the tries of this client are used up meanwhile.
  const verdict = store.verify({
    username,
    password,
    client: attempt.client,
    cancelled: () => cancelled() || failures.isBlocked(client),
  });
  const conclude = (result: LoginResult): LoginResult => {
    if (result.accepted) return result;
    if (result.reason === "rejected") failures.count(client);
    if (result.reason === "cancelled" && !cancelled()) return LIMITED;
    return result;
  };
  return verdict instanceof Promise ? verdict.then(conclude) : conclude(verdict);
}

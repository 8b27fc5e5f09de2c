import { type AuthEvidence, MAX_CRAM_ROUNDS } from "@sockskit/auth";
import type { IpAddress } from "@sockskit/wire";
import { clientKey } from "../limits/client-key.ts";
import type { FailureLimit } from "../limits/failure-limit.ts";
import { challengeAttempt, type ChallengeCallback, type ChallengeVerdict } from "./challenge.ts";
import type { CredentialStore, CredentialVerdict } from "./credential-store.ts";

/** How a log-in ended, or what the client has to answer first. */
export type LoginResult = ChallengeVerdict | { readonly accepted: false; readonly reason: "limited" };

/** Who judges what clients show. */
export interface Judges {
  /** Users and their passwords. */
  readonly store: CredentialStore | undefined;
  /** What CRAM asks. */
  readonly challenge: ChallengeCallback | undefined;
}

/** One log-in, or one round of it. */
export interface LoginAttempt {
  readonly evidence: AuthEvidence;
  readonly client: IpAddress;
  readonly cancelled: () => boolean;
}

type Refused = Extract<ChallengeVerdict, { readonly accepted: false }>;

/** This client failed too often and was not looked at. */
const LIMITED: LoginResult = { accepted: false, reason: "limited" };
/** A reload can take away who judges, between the choice of a method and the evidence. */
const NOBODY_JUDGES: CredentialVerdict = { accepted: false, reason: "busy" };

/**
 * Has evidence judged, unless the client has failed too often. A client that is over its limit is not helped by a
 * password that is right: otherwise it could go on guessing the passwords that the store remembers.
 */
export function logIn(
  attempt: LoginAttempt,
  judges: Judges,
  failures: FailureLimit,
): LoginResult | Promise<LoginResult> {
  const client = clientKey(attempt.client);
  if (failures.isBlocked(client)) return LIMITED;
  const { cancelled } = attempt;
  // What waits in the store's queue is dropped there when the tries of this client are used up meanwhile.
  const verdict = judge({ ...attempt, cancelled: () => cancelled() || failures.isBlocked(client) }, judges);
  const conclude = (given: ChallengeVerdict): LoginResult => {
    if (given.accepted) return given;
    const result = "challenge" in given ? questionOf(given, attempt.evidence) : given;
    if ("challenge" in result) return result;
    if (result.reason === "rejected") failures.count(client);
    if (result.reason === "cancelled" && !cancelled()) return LIMITED;
    return result;
  };
  return verdict instanceof Promise ? verdict.then(conclude) : conclude(verdict);
}

/** A question, where there is room for one more; else it comes to nothing. */
function questionOf(question: Refused, evidence: AuthEvidence): Refused {
  const hasRoom = evidence.type === "cram" && evidence.round < MAX_CRAM_ROUNDS;
  return hasRoom ? question : { accepted: false, reason: "rejected" };
}

function judge(attempt: LoginAttempt, { store, challenge }: Judges): ChallengeVerdict | Promise<ChallengeVerdict> {
  const { evidence, client, cancelled } = attempt;
  switch (evidence.type) {
    case "userpass": {
      const { username, password } = evidence;
      return store === undefined ? NOBODY_JUDGES : store.verify({ username, password, client, cancelled });
    }
    case "chap":
      if (store?.verifyChap === undefined) return NOBODY_JUDGES;
      return store.verifyChap({ evidence, client, cancelled });
    case "gssapi":
      // A mechanism judges it, and no store.
      return NOBODY_JUDGES;
    case "cram":
      return challenge === undefined ? NOBODY_JUDGES : challenge(challengeAttempt(evidence, client, cancelled));
  }
}

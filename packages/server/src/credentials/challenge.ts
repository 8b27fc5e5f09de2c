import type { CramEvidence } from "@sockskit/auth";
import type { IpAddress } from "@sockskit/wire";
import type { CredentialStore, CredentialVerdict } from "./credential-store.ts";

/** What a client said in one round of CRAM. */
export interface ChallengeAttempt {
  /** The user name as it was received, as UTF-8: 0 to 255 octets, not necessarily of a user that exists. */
  readonly username: Uint8Array;
  /** Challenges that were answered: 0 when only the name is known, at most 10. */
  readonly round: number;
  /** The challenge that `response` answers; `undefined` in round 0. */
  readonly challenge: Uint8Array | undefined;
  /** What the person answered, 0 to 255 octets; `undefined` in round 0. Do not keep it. */
  readonly response: Uint8Array | undefined;
  /** Address of the client. */
  readonly client: IpAddress;
  /** Whether the answer is of no use any more: the client left, or tried too often. */
  readonly cancelled: () => boolean;
}

/** What a {@link ChallengeCallback} found: a verdict, or what to ask the person next. */
export type ChallengeVerdict =
  | CredentialVerdict
  | {
      /** Not yet. */
      readonly accepted: false;
      /** What the person has to answer: 1 to 255 octets, text is sent as UTF-8. */
      readonly challenge: string | Uint8Array;
      /** What else to tell the person, at most 255 octets as UTF-8. */
      readonly text?: string;
    };

/**
 * Judges the rounds of CRAM. It puts up to 10 challenges to a client, one for each call; after the tenth answer a
 * further challenge is a refusal. Put a challenge to unknown users as well: who is refused at once learns that
 * there is no such user. What throws or rejects lets nobody in: that one session is refused and the error reported.
 */
export type ChallengeCallback = (attempt: ChallengeAttempt) => ChallengeVerdict | Promise<ChallengeVerdict>;

/** What CRAM asks when nothing else is given: the password, of everybody. */
const PASSWORD_CHALLENGE: ChallengeVerdict = { accepted: false, challenge: "Password: " };

/** CRAM as a question for the password that the store knows. */
export function passwordChallenge(store: CredentialStore): ChallengeCallback {
  return ({ username, response, client, cancelled }) =>
    response === undefined ? PASSWORD_CHALLENGE : store.verify({ username, password: response, client, cancelled });
}

/** One round, as a callback gets it. */
export function challengeAttempt(
  evidence: CramEvidence,
  client: IpAddress,
  cancelled: () => boolean,
): ChallengeAttempt {
  const { username, round, challenge, response } = evidence;
  return { username, round, challenge, response, client, cancelled };
}

import type { ChapEvidence } from "@sockskit/auth";
import type { IpAddress } from "@sockskit/wire";

/** One try to log in with a user name and a password. */
export interface CredentialAttempt {
  /** The user name as it was received: 0 to 255 octets, not necessarily text. */
  readonly username: Uint8Array;
  /** The password as it was received: 0 to 255 octets. Do not keep it. */
  readonly password: Uint8Array;
  /** Address of the client. */
  readonly client: IpAddress;
  /**
   * Whether the answer is of no use any more: the client left, or tried too often. A store that queues asks
   * this before it starts to compute.
   */
  readonly cancelled: () => boolean;
}

/** One try to log in with CHAP. */
export interface ChapAttempt {
  /** Challenge and response, and the user name as it was received. `chapVerdict` of `@sockskit/auth` judges it. */
  readonly evidence: ChapEvidence;
  /** Address of the client. */
  readonly client: IpAddress;
  /** As in {@link CredentialAttempt}. */
  readonly cancelled: () => boolean;
}

/** What a {@link CredentialStore} found. */
export type CredentialVerdict =
  | {
      /** The credentials are right. */
      readonly accepted: true;
      /** Name of the user, as rules and events call it. */
      readonly identity: string;
      /** Groups of the user, for rules. */
      readonly groups: readonly string[];
      /** CHAP: what proves the server to a client that sent a challenge, as `chapVerdict` gives it. */
      readonly response?: Uint8Array;
    }
  | {
      /** The credentials are not accepted. */
      readonly accepted: false;
      /**
       * `"rejected"`: wrong, and counted as a guess. `"busy"`: not looked at, because too many wait.
       * `"cancelled"`: not looked at, because nobody waits any more.
       */
      readonly reason: "rejected" | "busy" | "cancelled";
    };

/**
 * Decides whether a user name and a password belong together.
 *
 * Give the server your own to ask a database. The server delays failures and limits them per client, whatever
 * the store. A store that throws or rejects lets nobody in: that one session ends and the error is reported.
 */
export interface CredentialStore {
  /** Checks one attempt. An unknown user must cost as much as a wrong password. */
  verify(attempt: CredentialAttempt): CredentialVerdict | Promise<CredentialVerdict>;
  /**
   * Checks one attempt with CHAP, for which it must know passwords in clear. Needed for the method `"chap"`. An unknown
   * user must cost as much as a wrong response.
   */
  verifyChap?(attempt: ChapAttempt): CredentialVerdict | Promise<CredentialVerdict>;
}

import type { CredentialAttempt } from "../credentials/credential-store.ts";
import { type LoginResult, logIn } from "../credentials/login.ts";
import { ServerError } from "../errors.ts";
import type { SessionHost } from "./host.ts";
import type { SessionUser } from "./session-record.ts";

const BROKEN: LoginResult = { accepted: false, reason: "busy" };

/**
 * One log-in of a session: asks the store and gives the answer when it is time for it. It keeps nothing of the
 * credentials after the store's verdict.
 */
export class LoginStep {
  readonly #host: SessionHost;
  readonly #answer: (user: SessionUser | undefined) => void;
  readonly #startedAtMs: number = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param answer Called once, perhaps at once: with the user, or `undefined` for a refusal. */
  constructor(host: SessionHost, answer: (user: SessionUser | undefined) => void) {
    this.#host = host;
    this.#answer = answer;
  }

  /** Begins. Whatever the store does, nothing is thrown here. */
  start(attempt: Omit<CredentialAttempt, "cancelled">): void {
    const { settings, failures } = this.#host;
    try {
      // A reload can take the store away between the choice of a method and the password.
      if (settings.store === undefined) return this.#conclude(BROKEN);
      const { username, password, client } = attempt;
      const result = logIn({ username, password, client, cancelled: () => this.#isOver }, settings.store, failures);
      if (!(result instanceof Promise)) return this.#conclude(result);
      result.then(
        (result) => this.#conclude(result),
        (error: unknown) => this.#broken(error),
      );
    } catch (error) {
      this.#broken(error);
    }
  }

  /** The session is over: nobody waits for the answer any more. */
  cancel(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #broken(cause: unknown): void {
    const message = "the credential store failed; the client was not let in";
    this.#host.announcer.report(new ServerError("ERR_SOCKS_SESSION_FAILED", message, { cause }));
    this.#conclude(BROKEN);
  }

  #conclude(result: LoginResult): void {
    if (this.#isOver) return;
    const { tally, settings } = this.#host;
    if (result.accepted) {
      tally.logins += 1;
      this.#finish({ name: result.identity, groups: result.groups });
      return;
    }
    if (result.reason === "rejected") tally.failedLogins += 1;
    else tally.refusedLogins += 1;
    // A wrong password and used-up tries are answered after the same time, whatever they took. "Busy" tells nothing.
    const passedMs = performance.now() - this.#startedAtMs;
    const waitMs = result.reason === "busy" ? 0 : settings.timeouts.loginFailureMs - passedMs;
    if (waitMs <= 0) this.#finish(undefined);
    else this.#timer = setTimeout(() => this.#finish(undefined), waitMs).unref();
  }

  #finish(user: SessionUser | undefined): void {
    this.#isOver = true;
    this.#answer(user);
  }
}

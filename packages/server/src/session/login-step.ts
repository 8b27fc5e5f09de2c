import type { AuthEvidence, AuthVerdict } from "@sockskit/auth";
import type { IpAddress } from "@sockskit/wire";
import { type LoginResult, logIn } from "../credentials/login.ts";
import { ServerError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { SessionHost } from "./host.ts";
import type { SessionUser } from "./session-record.ts";

/** What came out of a {@link LoginStep}. */
export interface LoginAnswer {
  /** What the handshake is told. */
  readonly verdict: AuthVerdict;
  /** Who the client is, once accepted. */
  readonly user: SessionUser | undefined;
  /** The name that was tried, printable, when it was refused. */
  readonly triedName: string | undefined;
}

const BROKEN: LoginResult = { accepted: false, reason: "busy" };

/**
 * One log-in of a session, or one round of it: has the evidence judged and gives the answer when it is time for it. It
 * keeps nothing of the credentials after the verdict.
 */
export class LoginStep {
  readonly #host: SessionHost;
  readonly #answer: (answer: LoginAnswer) => void;
  readonly #startedAtMs: number = performance.now();
  #username: Uint8Array | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param answer Called once, perhaps at once. */
  constructor(host: SessionHost, answer: (answer: LoginAnswer) => void) {
    this.#host = host;
    this.#answer = answer;
  }

  /** Begins. Whatever the judge does, nothing is thrown here. */
  start(evidence: AuthEvidence, client: IpAddress): void {
    const { settings, failures } = this.#host;
    this.#username = "username" in evidence ? evidence.username : undefined;
    try {
      const attempt = { evidence, client, cancelled: () => this.#isOver };
      const result = logIn(attempt, settings, failures);
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
      const { identity, groups, response } = result;
      const verdict = { accepted: true, identity, ...(response === undefined ? {} : { response }) } as const;
      return this.#finish({ verdict, user: { name: identity, groups }, triedName: undefined });
    }
    if ("challenge" in result) return this.#finish({ verdict: result, user: undefined, triedName: undefined });
    if (result.reason === "rejected") tally.failedLogins += 1;
    else tally.refusedLogins += 1;
    // A wrong password and used-up tries are answered after the same time, whatever they took. "Busy" tells nothing.
    const passedMs = performance.now() - this.#startedAtMs;
    const waitMs = result.reason === "busy" ? 0 : settings.timeouts.loginFailureMs - passedMs;
    if (waitMs <= 0) this.#refuse();
    else this.#timer = setTimeout(() => this.#refuse(), waitMs).unref();
  }

  #refuse(): void {
    const triedName = printable(this.#username ?? new Uint8Array(0));
    this.#finish({ verdict: { accepted: false }, user: undefined, triedName });
  }

  #finish(answer: LoginAnswer): void {
    this.#isOver = true;
    this.#answer(answer);
  }
}

import type { RuleShare } from "../limits/rule-limits.ts";
import { type Outcome, reach } from "./reach.ts";
import type { Task, TaskContext } from "./task.ts";

/** CONNECT: reaches the destination and relays. */
export class ConnectTask implements Task {
  readonly #context: TaskContext;
  readonly #dial = new AbortController();
  #share: RuleShare | undefined;

  constructor(context: TaskContext) {
    this.#context = context;
  }

  start(): void {
    const { host, question, policy, settings } = this.#context;
    const credentials = this.#context.takeCredentials();
    void reach({ host, question, policy, settings, credentials, signal: this.#dial.signal }).then((outcome) => {
      if (!this.#context.run(() => this.#answer(outcome)) && outcome.type === "reached") this.#discard(outcome);
    });
  }

  stop(): void {
    this.#dial.abort();
    if (this.#share !== undefined) this.#context.settings.ruleLimits.release(this.#share);
  }

  #answer(outcome: Outcome): void {
    if (outcome.type === "denied") return this.#context.deny(outcome);
    if (outcome.via !== undefined) this.#context.goesVia(outcome.via);
    if (outcome.type === "unreachable") return this.#context.fail(outcome.error);
    const { target, address, boundAddress, rule, share } = outcome;
    this.#share = share;
    const early = this.#context.takeEarly();
    this.#context.openTunnel({ target, early, boundAddress, address, rule, bucket: share?.bucket });
  }

  /** The client left while its destination was being dialled. */
  #discard({ target, share }: Extract<Outcome, { readonly type: "reached" }>): void {
    target.destroy();
    if (share !== undefined) this.#context.settings.ruleLimits.release(share);
  }
}

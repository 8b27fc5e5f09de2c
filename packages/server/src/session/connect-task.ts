import { announcement } from "../transport/target-header.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { type Outcome, reach } from "./reach.ts";
import type { Task, TaskContext } from "./task.ts";

type Reached = Extract<Outcome, { readonly type: "reached" }>;

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
    const header = this.#headerFor(outcome);
    if (header !== undefined) target.write(header);
    const early = this.#context.takeEarly();
    this.#context.openTunnel({ target, early, boundAddress, address, rule, bucket: share?.bucket });
  }

  /** What the destination is told before the first octet of the client. */
  #headerFor({ address, rule, via }: Reached): Uint8Array | undefined {
    const { policy, settings, question } = this.#context;
    const version = policy.rules[rule]?.proxyProtocol ?? settings.outbound.proxyProtocol;
    // Behind an upstream only that one knows where a name leads.
    const destination = via === undefined ? address : question.destination;
    return announcement(version, { client: question.client, destination });
  }

  /** The client left while its destination was being dialled. */
  #discard({ target, share }: Reached): void {
    target.destroy();
    if (share !== undefined) this.#context.settings.ruleLimits.release(share);
  }
}

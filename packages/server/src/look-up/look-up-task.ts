import { SocksError } from "@sockskit/dial";
import type { Denial } from "../session/rule-share.ts";
import { familyOf } from "../session/settings.ts";
import type { Task, TaskContext } from "../session/task.ts";
import { findAddress, findName, type Found } from "./find.ts";

/**
 * RESOLVE and RESOLVE_PTR, Tor's look-ups: answers with an address or a name, and ends the session. Which rule allows it
 * is known only with the answer, when it is over: it takes no place under the limits of a rule.
 */
export class LookUpTask implements Task {
  readonly #context: TaskContext;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: TaskContext) {
    this.#context = context;
  }

  start(): void {
    const { host, question, policy, settings, request } = this.#context;
    const { connectMs } = settings.timeouts;
    this.#timer = setTimeout(() => this.#expire(connectMs), connectMs);
    // A reply of SOCKS 4 has room for IPv4 alone.
    const family = request.version === 4 ? 4 : familyOf(settings.outbound);
    const { signal } = this.#abort;
    const credentials = this.#context.takeCredentials();
    const deadlineMs = performance.now() + connectMs;
    const use = { host, settings, deadlineMs, signal, client: question.client, credentials };
    const look = { question, policy, resolver: settings.outbound.resolver, family, signal, use };
    const found = question.command === "resolve" ? findAddress(look) : findName(look);
    void found.then(
      (found) => this.#context.run(() => this.#answer(found)),
      (error: unknown) => this.#context.run(() => this.#context.fail(error as Error)),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #answer(found: Found | Denial): void {
    if ("code" in found) return this.#context.deny(found);
    return this.#context.answer(found.answer, found.allowed.rule.index);
  }

  #expire(connectMs: number): void {
    const message = `the look-up was not answered within ${connectMs} ms (timeouts.connectMs)`;
    const error = new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage: "resolve" });
    this.#context.run(() => this.#context.fail(error));
  }
}

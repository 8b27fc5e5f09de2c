import { ClientHandshake } from "@sockskit/handshake";
import type { Address } from "@sockskit/wire";

import type { Conversation } from "./conversation.ts";
import { type AnswerInTwo, askInTwo, askRequest, refusesAtOnce } from "./questions.ts";
import type { ProbeAnswer, ProbeFinding, ProbeReport } from "./report.ts";
import type { Targets } from "./targets.ts";

/** Asks on a connection of its own. */
export type Ask = <T>(question: (conversation: Conversation) => Promise<T>) => Promise<T>;

/** What was found out about SOCKS 4. */
export interface Socks4Findings {
  readonly socks4: ProbeFinding;
  readonly socks4a: ProbeFinding;
  readonly answers: ProbeReport["socks4"];
  /** What came in answer to the first request. */
  readonly heard: Uint8Array;
}

/** A proxy that has the request decides sooner than this, or than several times what it took before. */
const MIN_PATIENCE_MS = 250;

/** A request of a version that does not exist, without its end: `VN` 06, CONNECT, 127.0.0.1:1. */
const OTHER_VERSION = Uint8Array.of(0x06, 0x01, 0x00, 0x01, 0x7f, 0x00, 0x00, 0x01);

/**
 * Finds out whether SOCKS 4 and 4A are spoken, also where no request is granted.
 *
 * A refusal does not say whether a name was understood: a proxy of plain SOCKS 4 takes its marker for the address 0.0.0.1
 * and refuses with the same code. And some (OpenSSH) close instead of refusing, as those do that know no SOCKS 4. What
 * tells them apart is when they answer: who knows a message waits for its end.
 */
export class Socks4Probe {
  readonly #ask: Ask;
  readonly #userId: string | undefined;
  readonly #timeoutMs: number;

  constructor(ask: Ask, userId: string | undefined, timeoutMs: number) {
    this.#ask = ask;
    this.#userId = userId;
    this.#timeoutMs = timeoutMs;
  }

  async run({ ipv4, name }: Targets): Promise<Socks4Findings> {
    const first = ipv4 ?? name;
    const noTarget: ProbeFinding = { verdict: "unknown", reason: "the target has no IPv4 address and no name" };
    if (first === undefined) return { socks4: noTarget, socks4a: noTarget, answers: {}, heard: new Uint8Array(0) };
    const { connect, heard } = await this.#ask(async (conversation) => {
      const answer = await askRequest(conversation, this.#machine(first));
      return { connect: answer, heard: conversation.heard };
    });
    const patienceMs = Math.min(Math.max(MIN_PATIENCE_MS, 4 * connect.elapsedMs), this.#timeoutMs / 2);
    const own = ipv4 === undefined ? {} : { connect };
    let socks4 = findSocks4(connect);
    // Whether it waits for the end of what it understands: without that, waiting proves nothing.
    const isAnswer = connect.outcome !== "failed" && connect.outcome !== "silent";
    const inTwo = isAnswer ? await this.#askInTwo(first, 1, patienceMs) : undefined;
    if (socks4 === undefined && inTwo !== undefined) socks4 = await this.#judgeWaiting(connect, inTwo, patienceMs);
    socks4 ??= { verdict: "unknown", reason: "it closes instead of answering" };
    if (socks4.verdict !== "yes") return { socks4, socks4a: without4(socks4), answers: own, heard };
    const bind = ipv4 && {
      bind: await this.#ask((conversation) => askRequest(conversation, this.#machine(ipv4, "bind"))),
    };
    if (name === undefined) {
      const socks4a: ProbeFinding = {
        verdict: "unknown",
        reason: "the target is an address, nobody was asked for a name",
      };
      return { socks4, socks4a, answers: { ...own, ...bind }, heard };
    }
    const named = await this.#askInTwo(name, name.host.length + 1, patienceMs);
    const socks4a = judgeName(named, inTwo?.waited === true, patienceMs);
    return { socks4, socks4a, answers: { ...own, connectName: named.answer, ...bind }, heard };
  }

  /** The proxy closes when it has a whole request. It may know SOCKS 4 and be unable to connect, or know nothing of it. */
  async #judgeWaiting(connect: ProbeAnswer, inTwo: AnswerInTwo, patienceMs: number): Promise<ProbeFinding | undefined> {
    if (connect.outcome !== "closed") return undefined;
    if (!inTwo.waited) return { verdict: "no", reason: "it closes before a SOCKS 4 request is whole" };
    if (inTwo.answer.outcome === "silent") return undefined;
    const refuses = await this.#ask((conversation) => refusesAtOnce(conversation, OTHER_VERSION, patienceMs));
    if (!refuses) return { verdict: "unknown", reason: "it closes, but waits for the end of anything" };
    const reason = "it waits for the end of a SOCKS 4 request, and closes instead of refusing";
    return { verdict: "yes", reason };
  }

  #askInTwo(destination: Address, heldBackLength: number, patienceMs: number): Promise<AnswerInTwo> {
    const machine = this.#machine(destination);
    return this.#ask((conversation) => askInTwo(conversation, machine, heldBackLength, patienceMs));
  }

  #machine(destination: Address, command: "connect" | "bind" = "connect"): ClientHandshake {
    return new ClientHandshake({ version: 4, command, destination, userId: this.#userId, lenientVersion: true });
  }
}

/** What one whole request shows; `undefined` when closing needs a closer look. */
function findSocks4({ outcome, code }: ProbeAnswer): ProbeFinding | undefined {
  switch (outcome) {
    case "granted":
      return { verdict: "yes", reason: "it grants a request" };
    case "refused":
      return { verdict: "yes", reason: "it refuses a request in SOCKS 4" };
    case "failed":
      return { verdict: "no", reason: `it answers in something else (${code ?? ""})` };
    case "silent":
      return { verdict: "unknown", reason: "it does not answer" };
    case "closed":
      return undefined;
  }
}

function without4({ verdict }: ProbeFinding): ProbeFinding {
  return verdict === "no"
    ? { verdict, reason: "it does not speak SOCKS 4" }
    : { verdict, reason: "it is not known whether it speaks SOCKS 4" };
}

function judgeName({ waited, answer }: AnswerInTwo, waitsForEnds: boolean, patienceMs: number): ProbeFinding {
  if (waited && answer.outcome === "granted") return { verdict: "yes", reason: "it connects to a name" };
  if (waited && answer.outcome === "silent") return { verdict: "unknown", reason: "it does not answer" };
  if (waited && answer.elapsedMs > patienceMs) {
    return { verdict: "unknown", reason: "it answers late, with the name or without it" };
  }
  if (waited) return { verdict: "yes", reason: "it waits for the name that a request announces" };
  if (waitsForEnds)
    return { verdict: "no", reason: "it takes the mark of a name for an address, and waits for no name" };
  return { verdict: "unknown", reason: "it answers requests before they are whole" };
}

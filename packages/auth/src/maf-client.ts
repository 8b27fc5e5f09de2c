import {
  MAF_INSTR,
  MAF_SEND_MORE,
  MAX_MAF_MESSAGE_LENGTH,
  METHOD,
  type MafMessage,
  WireError,
  encodeMafMessage,
  mafInstrName,
} from "@sockskit/wire";

import { failure } from "./internal/attributes.ts";
import {
  answerOem,
  cannotProtect,
  checkedMethods,
  checkedRounds,
  encodeProcess,
  readMafMessage,
} from "./internal/maf-messages.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import { joinOctets, sameOctets } from "./internal/octets.ts";
import type { AuthFailed, AuthStep, ClientAuthExchange, ClientAuthMethod, ClientAuthStep } from "./method.ts";
import type { AuthAnswer } from "./question.ts";

/** A method that {@link mafClient} can do. */
export interface MafClientMethod {
  /** Its id: 4 octets (`mafId` makes them) or 16 of a UUID are usual, 1 to 255 are possible. */
  readonly id: Uint8Array;
  /** Starts an exchange. Each message of it travels in one Process message. */
  start(): ClientAuthExchange;
}

/** Methods and settings for {@link mafClient}. */
export interface MafClientOptions {
  /** What this client can do; the server chooses. At least one. */
  readonly methods: readonly MafClientMethod[];
  /** Most messages of the server in one exchange. Default 16. */
  readonly maxRounds?: number | undefined;
}

/**
 * Makes the client side of method 0x08, MAF (draft-ietf-aft-socks-maf-01): the server has one or several methods
 * run, one after the other, and says at the end whether that was enough.
 *
 * The draft names no method; both sides must have agreed on ids and what they mean.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` (no method, an id that is none or comes twice, a limit below 1).
 */
export function mafClient(options: MafClientOptions): ClientAuthMethod {
  const methods = checkedMethods(options.methods);
  const maxRounds = checkedRounds(options.maxRounds);
  return {
    method: METHOD.multiAuthenticationFramework,
    name: "maf",
    start: () => new MafClientExchange(methods, maxRounds),
  };
}

const WHAT_NEXT = encodeMafMessage({ instr: MAF_INSTR.whatNext });
const ACKNOWLEDGE = encodeMafMessage({ instr: MAF_INSTR.acknowledge });

class MafClientExchange implements ClientAuthExchange {
  readonly maxMessageLength: number = MAX_MAF_MESSAGE_LENGTH;
  readonly #methods: readonly MafClientMethod[];
  #roundsLeft: number;
  #method: MafClientMethod | undefined;
  #inner: ClientAuthExchange | undefined;
  /** Whether a method came to its end, and whether one of them to a good one. */
  #ran = false;
  #succeeded = false;
  #warning: string | undefined;
  #result: "success" | "failure" | undefined;

  constructor(methods: readonly MafClientMethod[], maxRounds: number) {
    this.#methods = methods;
    this.#roundsLeft = maxRounds;
  }

  begin(): Uint8Array {
    return encodeMafMessage({ instr: MAF_INSTR.canDo, ids: this.#methods.map(({ id }) => id) });
  }

  receive(bytes: Uint8Array): ClientAuthStep {
    const decoded = readMafMessage(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) {
      return failure("ERR_SOCKS_AUTH_PROTOCOL", `broken MAF message: ${decoded.message}`, 0, { cause: decoded });
    }
    if (this.#roundsLeft-- === 0) return fail("the proxy sent more MAF messages than allowed", 0);
    return this.#take(decoded.value, decoded.byteLength);
  }

  answer(answer: AuthAnswer): AuthStep {
    const inner = this.#inner;
    if (inner?.answer === undefined) throw notAwaited("answer");
    return this.#carry(inner.answer(answer), 0);
  }

  #take(message: MafMessage, consumed: number): ClientAuthStep {
    if (this.#result !== undefined) return this.#acknowledged(message, consumed);
    switch (message.instr) {
      case MAF_INSTR.oem: {
        const data = answerOem(message);
        return data === undefined
          ? fail("the proxy answered an OEM message that nobody sent", consumed)
          : { type: "send", consumed, data };
      }
      case MAF_INSTR.sendMore: {
        if (this.#ran || this.#inner !== undefined) break;
        // All ids went out at once: there are none that were not sent yet.
        const ids = message.flags === MAF_SEND_MORE.startOver ? this.#methods.map(({ id }) => id) : [];
        return { type: "send", consumed, data: encodeMafMessage({ instr: MAF_INSTR.canDo, ids }) };
      }
      case MAF_INSTR.do:
        if (this.#inner !== undefined) break;
        return this.#start(message.method, consumed);
      case MAF_INSTR.process: {
        if (this.#inner === undefined || !sameOctets((this.#method as MafClientMethod).id, message.method)) break;
        const step = this.#inner.receive(message.data);
        if (step.type === "incomplete" || (step.type !== "failed" && step.consumed !== message.data.length)) {
          return fail("a MAF Process message does not hold exactly one message of its method", consumed);
        }
        if (step.type === "ask") return { ...step, consumed };
        return this.#carry(step, consumed);
      }
      case MAF_INSTR.success:
      case MAF_INSTR.failure:
        // Failure may come at any time. Success must not: a proxy that only rejected us proved nothing of what our
        // methods may want to see proven.
        if (message.instr === MAF_INSTR.success && (!this.#succeeded || this.#inner !== undefined)) break;
        this.#result = message.instr === MAF_INSTR.success ? "success" : "failure";
        return { type: "send", consumed, data: new Uint8Array(ACKNOWLEDGE) };
      case MAF_INSTR.canDo:
      case MAF_INSTR.whatNext:
      case MAF_INSTR.acknowledge:
        break;
    }
    return fail(`the proxy sent MAF instruction ${mafInstrName(message.instr) ?? message.instr} out of turn`, consumed);
  }

  #start(id: Uint8Array, consumed: number): AuthStep {
    const method = this.#methods.find((candidate) => sameOctets(candidate.id, id));
    if (method === undefined) return fail("the proxy chose a MAF method that was not offered", consumed);
    this.#method = method;
    this.#inner = method.start();
    const first = this.#inner.begin();
    if (first === undefined) return { type: "continue", consumed };
    return { type: "send", consumed, data: encodeProcess(id, first) };
  }

  /** Turns a step of the running method into one of MAF. */
  #carry(step: AuthStep, consumed: number): AuthStep {
    const { id } = this.#method as MafClientMethod;
    switch (step.type) {
      case "incomplete":
      case "continue":
        return { type: "continue", consumed };
      case "send":
        return { type: "send", consumed, data: encodeProcess(id, step.data) };
      case "secure":
        return cannotProtect(consumed);
      case "failed": {
        const last = encodeProcess(id, step.send);
        // The server knows that it rejected us, and may try another method. Whatever else happened is for us to judge.
        if (step.error.code !== "ERR_SOCKS_AUTH_REJECTED") {
          return { type: "failed", consumed, send: last.length === 0 ? undefined : last, error: step.error };
        }
        return this.#finished(last, consumed);
      }
      case "done":
        this.#succeeded = true;
        this.#warning ??= step.warning;
        return this.#finished(encodeProcess(id, step.send), consumed);
    }
  }

  #finished(last: Uint8Array, consumed: number): AuthStep {
    this.#inner = undefined;
    this.#ran = true;
    return { type: "send", consumed, data: joinOctets(last, WHAT_NEXT) };
  }

  #acknowledged(message: MafMessage, consumed: number): AuthStep {
    if (message.instr !== MAF_INSTR.acknowledge) return fail("the proxy did not acknowledge the end of MAF", consumed);
    if (this.#result === "success") return { type: "done", consumed, warning: this.#warning };
    return failure("ERR_SOCKS_AUTH_REJECTED", "proxy rejected the client in MAF", consumed);
  }
}

function fail(message: string, consumed: number): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed);
}

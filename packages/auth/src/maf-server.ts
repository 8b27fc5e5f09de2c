import {
  MAF_INSTR,
  MAF_METHOD,
  MAF_SEND_MORE,
  MAX_MAF_MESSAGE_LENGTH,
  METHOD,
  type MafMessage,
  WireError,
  encodeMafMessage,
  mafId,
  mafInstrName,
} from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthVerdict } from "./evidence.ts";
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
import type { AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

/** One run of a method inside MAF, server side. */
export interface MafServerExchange extends ServerAuthExchange {
  /** First octets, of a method in which the server speaks first. Called once; absent: the client speaks first. */
  begin?(): Uint8Array | undefined;
}

/** A method that {@link mafServer} has the client run. */
export interface MafServerMethod {
  /** Its id: 4 octets (`mafId` makes them) or 16 of a UUID are usual, 1 to 255 are possible. */
  readonly id: Uint8Array;
  /** Starts an exchange. Each message of it travels in one Process message. A server starts one more, to look at its `evidence`. */
  start(): MafServerExchange;
}

/** Methods and settings for {@link mafServer}. */
export interface MafServerOptions {
  /** What a client has to do: each of these methods, in this order. At least one. */
  readonly methods: readonly MafServerMethod[];
  /** Most messages of the client in one exchange. Default 16. */
  readonly maxRounds?: number | undefined;
}

/**
 * Makes the server side of method 0x08, MAF (draft-ietf-aft-socks-maf-01): the client runs all of the methods, in
 * their order; one failure, or one method that the client does not have, is a failure. Each method asks for its own
 * verdicts. The client is whom the verdicts name; two different names are a failure.
 *
 * The draft names no method; both sides must have agreed on ids and what they mean.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION` (no method, an id that is none or comes twice, a limit below 1).
 */
export function mafServer(options: MafServerOptions): ServerAuthMethod {
  const methods = checkedMethods(options.methods);
  const maxRounds = checkedRounds(options.maxRounds);
  return {
    method: METHOD.multiAuthenticationFramework,
    name: "maf",
    start: () => new MafServerExchangeRun(methods, maxRounds),
  };
}

const SUCCESS = encodeMafMessage({ instr: MAF_INSTR.success, method: mafId(MAF_METHOD.success) });
const FAILURE = encodeMafMessage({ instr: MAF_INSTR.failure, method: mafId(MAF_METHOD.failure) });
const ACKNOWLEDGE = encodeMafMessage({ instr: MAF_INSTR.acknowledge });
const MORE_IDS_AVAILABLE = mafId(MAF_METHOD.moreIdsAvailable);

/** What is due from the client. */
type Due = "can-do" | "process" | "what-next" | "acknowledge";

class MafServerExchangeRun implements ServerAuthExchange {
  readonly maxMessageLength: number = MAX_MAF_MESSAGE_LENGTH;
  readonly #waiting: MafServerMethod[];
  #roundsLeft: number;
  #due: Due = "can-do";
  /** Those that the client can do; of the ids that it sends no others are kept. */
  readonly #offered: Set<MafServerMethod> = new Set();
  #method: MafServerMethod | undefined;
  #inner: MafServerExchange | undefined;
  #identity: string | undefined;
  /** Why the client is rejected, once it is. */
  #error: AuthError | undefined;

  constructor(methods: readonly MafServerMethod[], maxRounds: number) {
    this.#waiting = [...methods];
    this.#roundsLeft = maxRounds;
  }

  receive(bytes: Uint8Array): ServerAuthStep {
    const decoded = readMafMessage(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) return refuse(`broken MAF message: ${decoded.message}`, 0, decoded);
    if (this.#roundsLeft-- === 0) return refuse("the client sent more MAF messages than allowed", 0);
    return this.#take(decoded.value, decoded.byteLength);
  }

  resolve(verdict: AuthVerdict): AuthStep {
    if (this.#inner === undefined) throw notAwaited();
    return this.#carry(this.#inner.resolve(verdict), 0);
  }

  #take(message: MafMessage, consumed: number): ServerAuthStep {
    if (this.#due === "acknowledge") return this.#takeAcknowledge(message, consumed);
    if (message.instr === MAF_INSTR.oem) {
      const data = answerOem(message);
      return data === undefined
        ? refuse("the client answered an OEM message that nobody sent", consumed)
        : { type: "send", consumed, data };
    }
    if (message.instr === MAF_INSTR.canDo && this.#due === "can-do") {
      const has = (wanted: Uint8Array): boolean => message.ids.some((id) => sameOctets(id, wanted));
      for (const method of this.#waiting) if (has(method.id)) this.#offered.add(method);
      return this.#choose(has(MORE_IDS_AVAILABLE), consumed);
    }
    if (message.instr === MAF_INSTR.process && this.#due === "process") {
      return this.#process(message.method, message.data, consumed);
    }
    if (message.instr === MAF_INSTR.whatNext && this.#due === "what-next") return this.#choose(false, consumed);
    return outOfTurn(message, consumed);
  }

  #takeAcknowledge(message: MafMessage, consumed: number): AuthStep {
    const send = new Uint8Array(ACKNOWLEDGE);
    if (message.instr === MAF_INSTR.acknowledge) {
      if (this.#error === undefined) return { type: "done", consumed, send, identity: this.#identity };
      return { type: "failed", consumed, send, error: this.#error };
    }
    // A failure may have crossed what the client sent meanwhile.
    return this.#error === undefined ? outOfTurn(message, consumed) : { type: "continue", consumed };
  }

  /** Says what comes next: a method, the wish for more ids, or the end. */
  #choose(more: boolean, consumed: number): AuthStep {
    const [next] = this.#waiting;
    if (this.#error !== undefined) return this.#end(FAILURE, consumed);
    if (next === undefined) return this.#end(SUCCESS, consumed);
    if (!this.#offered.has(next)) {
      if (more) {
        const data = encodeMafMessage({ instr: MAF_INSTR.sendMore, flags: MAF_SEND_MORE.relative });
        return { type: "send", consumed, data };
      }
      this.#error = rejected("the client does not have a method that MAF asks for here");
      return this.#end(FAILURE, consumed);
    }
    this.#waiting.shift();
    this.#method = next;
    this.#inner = next.start();
    this.#due = "process";
    const first = encodeProcess(next.id, this.#inner.begin?.());
    const data = joinOctets(encodeMafMessage({ instr: MAF_INSTR.do, method: next.id }), first);
    return { type: "send", consumed, data };
  }

  #process(id: Uint8Array, data: Uint8Array, consumed: number): ServerAuthStep {
    if (!sameOctets(id, (this.#method as MafServerMethod).id)) {
      return refuse("the client went on with another MAF method than it was told", consumed);
    }
    const step = (this.#inner as MafServerExchange).receive(data);
    if (step.type === "incomplete" || (step.type !== "failed" && step.consumed !== data.length)) {
      return refuse("a MAF Process message does not hold exactly one message of its method", consumed);
    }
    if (step.type === "verify") return { ...step, consumed };
    return this.#carry(step, consumed);
  }

  /** Turns a step of the running method into one of MAF. */
  #carry(step: AuthStep, consumed: number): AuthStep {
    const { id } = this.#method as MafServerMethod;
    switch (step.type) {
      case "incomplete":
      case "continue":
        return { type: "continue", consumed };
      case "send":
        return { type: "send", consumed, data: encodeProcess(id, step.data) };
      case "secure":
        return cannotProtect(consumed);
      case "failed":
        this.#error = step.error;
        // Without a last word of the method the client may not know that it is over.
        if (step.send === undefined) return this.#end(FAILURE, consumed);
        return this.#finished(step.send, id, consumed);
      case "done":
        if (this.#identity !== undefined && step.identity !== undefined && step.identity !== this.#identity) {
          this.#error = rejected("the client is one user by one MAF method and another by the next");
        }
        this.#identity ??= step.identity;
        return this.#finished(step.send, id, consumed);
    }
  }

  #finished(last: Uint8Array | undefined, id: Uint8Array, consumed: number): AuthStep {
    this.#inner = undefined;
    this.#due = "what-next";
    if (last === undefined) return { type: "continue", consumed };
    return { type: "send", consumed, data: encodeProcess(id, last) };
  }

  #end(message: Uint8Array, consumed: number): AuthStep {
    this.#inner = undefined;
    this.#due = "acknowledge";
    return { type: "send", consumed, data: new Uint8Array(message) };
  }
}

function outOfTurn({ instr }: MafMessage, consumed: number): AuthStep {
  return refuse(`the client sent MAF instruction ${mafInstrName(instr) ?? instr} out of turn`, consumed);
}

function refuse(message: string, consumed: number, cause?: WireError): AuthStep {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed, { send: new Uint8Array(FAILURE), cause });
}

function rejected(message: string): AuthError {
  return new AuthError("ERR_SOCKS_AUTH_REJECTED", message, { side: "remote" });
}

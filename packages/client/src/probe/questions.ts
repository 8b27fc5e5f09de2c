import type { ClientEvent, ClientHandshake } from "@sockskit/handshake";
import { decodeMethodReply, encodeMethodRequest, WireError } from "@sockskit/wire";

import type { Conversation, Ending } from "./conversation.ts";
import type { LogIn, Protected } from "./log-in.ts";
import type { ProbeAnswer } from "./report.ts";

/** Offers methods; gives the one that the proxy chose, or what came instead. */
export async function askMethods(
  conversation: Conversation,
  methods: readonly number[],
): Promise<number | Ending | "garbled"> {
  conversation.send(encodeMethodRequest({ methods: Uint8Array.from(methods) }));
  const received: Buffer[] = [];
  for (;;) {
    const piece = await conversation.read();
    if (typeof piece === "string") return piece;
    received.push(piece);
    try {
      const reply = decodeMethodReply(Buffer.concat(received));
      if (reply !== undefined) return reply.value.method;
    } catch (error) {
      if (error instanceof WireError) return "garbled";
      throw error;
    }
  }
}

/**
 * Sends one request, with all that belongs before it. A BIND counts as granted when the proxy listens.
 *
 * @param logIn - Answers what the proxy asks before the request.
 */
export function askRequest(conversation: Conversation, machine: ClientHandshake, logIn?: LogIn): Promise<ProbeAnswer> {
  return goOn(conversation, machine, machine.start(), { logIn });
}

/** How a request was taken that came in two parts. */
export interface AnswerInTwo {
  /** Whether the proxy was silent until the second part had come. */
  readonly waited: boolean;
  /** Its answer. */
  readonly answer: ProbeAnswer;
}

/**
 * Sends a SOCKS 4 request without its last octets, and those only when the proxy has been silent for a while: whoever waits
 * for them knows what they are.
 */
export async function askInTwo(
  conversation: Conversation,
  machine: ClientHandshake,
  heldBackLength: number,
  patienceMs: number,
): Promise<AnswerInTwo> {
  const startedAt = performance.now();
  const [first] = machine.start();
  const request = first?.type === "send" ? first.data : new Uint8Array(0);
  conversation.send(request.subarray(0, -heldBackLength));
  const early = await conversation.read(patienceMs);
  if (early === "silent") {
    conversation.send(request.subarray(-heldBackLength));
    return { waited: true, answer: await goOn(conversation, machine, []) };
  }
  if (early === "closed") {
    return { waited: false, answer: { outcome: early, elapsedMs: performance.now() - startedAt } };
  }
  return { waited: false, answer: await goOn(conversation, machine, machine.receive(early), { startedAt }) };
}

/** Whether a message that no version of SOCKS has is answered, or the connection closed, before it is whole. */
export async function refusesAtOnce(
  conversation: Conversation,
  octets: Uint8Array,
  patienceMs: number,
): Promise<boolean> {
  conversation.send(octets);
  return (await conversation.read(patienceMs)) !== "silent";
}

async function goOn(
  conversation: Conversation,
  machine: ClientHandshake,
  first: readonly ClientEvent[],
  {
    startedAt: since = performance.now(),
    logIn,
  }: { readonly startedAt?: number; readonly logIn?: LogIn | undefined } = {},
): Promise<ProbeAnswer> {
  let startedAt = since;
  const events = [...first];
  let layer: Protected | undefined;
  for (;;) {
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const elapsedMs = performance.now() - startedAt;
      switch (event.type) {
        case "send":
          conversation.send(event.data);
          startedAt = performance.now();
          break;
        case "listening":
        case "established":
          return { outcome: "granted", reply: event.reply, elapsedMs };
        case "failed": {
          const { code, reply } = event.error;
          if (code === "ERR_SOCKS_REQUEST_REFUSED" && reply !== undefined)
            return { outcome: "refused", reply, elapsedMs };
          return { outcome: "failed", code, elapsedMs };
        }
        case "question": {
          const answer = await logIn?.answer(event.question, conversation);
          if (answer === undefined || answer === "silent") return slow(startedAt);
          events.push(...machine.answer(answer));
          break;
        }
        case "secure":
          layer = await logIn?.protect(event.layer, machine.takeTrailingData(), conversation);
          if (layer === undefined || layer === "silent") return slow(startedAt);
          events.push(...machine.secured());
          break;
        case "progress":
          if (event.step === "authenticated" && layer !== "silent") layer?.authenticated();
          break;
      }
    }
    const piece = await conversation.read();
    if (typeof piece === "string") return { outcome: piece, elapsedMs: performance.now() - startedAt };
    events.push(...machine.receive(piece));
  }
}

/** What this side had to find out took too long. */
function slow(startedAt: number): ProbeAnswer {
  return { outcome: "failed", code: "ERR_SOCKS_TIMEOUT", elapsedMs: performance.now() - startedAt };
}

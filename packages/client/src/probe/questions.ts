import type { ClientHandshake } from "@sockskit/handshake";
import { decodeMethodReply, encodeMethodRequest, WireError } from "@sockskit/wire";

import type { Conversation, Ending } from "./conversation.ts";
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

/** Sends one request, with all that belongs before it. A BIND counts as granted when the proxy listens. */
export async function askRequest(conversation: Conversation, machine: ClientHandshake): Promise<ProbeAnswer> {
  let startedAt = performance.now();
  let events = machine.start();
  for (;;) {
    for (const event of events) {
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
        default:
          // Progress; and questions, which none of the methods offered here asks.
          break;
      }
    }
    const piece = await conversation.read();
    if (typeof piece === "string") return { outcome: piece, elapsedMs: performance.now() - startedAt };
    events = machine.receive(piece);
  }
}

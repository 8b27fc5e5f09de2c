import { AuthError, gssapiClient, type GssapiQuestion } from "@sockskit/auth";
import type { ProxyGssapi, ProxyGssapiContext } from "@sockskit/dial";
import { type ClientEvent, ClientHandshake } from "@sockskit/handshake";
import type { ProxyUrl } from "@sockskit/url";
import { ipv4Address } from "@sockskit/wire";

import type { Conversation } from "./conversation.ts";
import type { ProbeGssapi } from "./report.ts";

/** The request that is never sent. */
const NOWHERE = ipv4Address(new Uint8Array(4), 1);

/**
 * Logs in with GSS-API, and leaves once the proxy has said which protection it grants (RFC 1961 section 4).
 *
 * What the URL of the proxy says of it counts before what `gssapi` has.
 */
export async function askGssapi(
  conversation: Conversation,
  gssapi: ProxyGssapi,
  { address, gssapi: own }: ProxyUrl,
): Promise<ProbeGssapi> {
  const startedAt = performance.now();
  const took = (): { readonly elapsedMs: number } => ({ elapsedMs: performance.now() - startedAt });
  const context = gssapi.start({ host: address.host, datagrams: false, ...own });
  try {
    const method = gssapiClient({ nec: own?.nec ?? gssapi.nec });
    const machine = new ClientHandshake({
      version: 5,
      command: "connect",
      destination: NOWHERE,
      authMethods: [method],
    });
    const events: ClientEvent[] = [...machine.start()];
    for (;;) {
      for (let event = events.shift(); event !== undefined; event = events.shift()) {
        if (event.type === "send") conversation.send(event.data);
        if (event.type === "failed") return { ...failed(event.error), ...took() };
        if (event.type !== "question") continue;
        const answer = await answerTo(event.question as GssapiQuestion, context, conversation);
        if ("error" in answer) return { ...failed(answer.error), ...took() };
        if ("protection" in answer) return { outcome: "granted", protection: answer.protection, ...took() };
        events.push(...machine.answer(answer));
      }
      const piece = await conversation.read();
      if (typeof piece === "string") return { outcome: piece, ...took() };
      events.push(...machine.receive(piece));
    }
  } finally {
    context.dispose();
  }
}

async function answerTo(
  question: GssapiQuestion,
  context: ProxyGssapiContext,
  conversation: Conversation,
): ReturnType<ProxyGssapiContext["answer"]> {
  const answer = await conversation.wait(context.answer(question));
  if (answer !== "silent") return answer;
  const message = "the KDC did not answer in time; a longer timeout waits for it";
  return { type: "gssapi", error: new AuthError("ERR_SOCKS_GSSAPI_KDC_UNREACHABLE", message, { side: "local" }) };
}

function failed({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): Pick<ProbeGssapi, "outcome" | "code" | "message"> {
  return { outcome: "failed", code, message };
}

import { type Address, formatAddress } from "@sockskit/wire";

import type { Conversation } from "./conversation.ts";
import type { ProbeFinding } from "./report.ts";

/** What a web server says of a method that it does not know. */
const NOT_UNDERSTOOD: ReadonlySet<number> = new Set([400, 404, 405, 501]);

/** The status of an HTTP status line; `undefined` when it is none. */
export function statusOf(line: string | undefined): number | undefined {
  const [, digits] = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(line ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Asks an HTTP server for a tunnel.
 *
 * @param otherStatus - What it answered to another request: who answers everything alike has not understood.
 */
export async function askHttpProxy(
  conversation: Conversation,
  target: Address,
  otherStatus: number | undefined,
): Promise<ProbeFinding> {
  const authority = formatAddress(target);
  conversation.send(Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`));
  const answer = await conversation.read();
  if (answer === "closed") return { verdict: "no", reason: "it closes when it is asked for a tunnel" };
  if (answer === "silent") return { verdict: "unknown", reason: "it does not answer when it is asked for a tunnel" };
  const [line] = answer.toString("latin1").split(/\r|\n/, 1);
  const status = statusOf(line);
  if (status === undefined) return { verdict: "unknown", reason: "its answer to CONNECT is not HTTP" };
  if (status === 407) return { verdict: "yes", reason: "it wants credentials for a tunnel (407)" };
  if (NOT_UNDERSTOOD.has(status)) return { verdict: "no", reason: `it does not understand CONNECT (${status})` };
  if (status === otherStatus)
    return { verdict: "unknown", reason: `it answers CONNECT like anything else (${status})` };
  if (status >= 200 && status < 300) return { verdict: "yes", reason: "it opens a tunnel" };
  return { verdict: "yes", reason: `it tries to open a tunnel, or refuses to (${status})` };
}

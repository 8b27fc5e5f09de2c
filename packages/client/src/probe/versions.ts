import { METHOD } from "@sockskit/wire";

import type { askMethods } from "./questions.ts";
import type { Recognition } from "./recognise.ts";
import type { ProbeFinding, ProbeReport } from "./report.ts";

/** What the answer to a greeting with every method shows. */
export function findSocks5(answer: Awaited<ReturnType<typeof askMethods>>): ProbeFinding {
  switch (answer) {
    case "closed":
      return { verdict: "no", reason: "it closes instead of choosing a method" };
    case "silent":
      return { verdict: "unknown", reason: "it does not answer the greeting" };
    case "garbled":
      return { verdict: "no", reason: "it answers the greeting in something else" };
    case METHOD.noAcceptableMethods:
      return { verdict: "unknown", reason: "it answers the greeting, and takes no method; it may serve SOCKS 4 only" };
    default:
      return { verdict: "yes", reason: "it chooses a method" };
  }
}

/** What speaks another protocol speaks no SOCKS, however silent it was. */
export function withoutSocks(versions: ProbeReport["versions"], { protocol }: Recognition): ProbeReport["versions"] {
  if (protocol === "unknown") return versions;
  const none: ProbeFinding = {
    verdict: "no",
    reason: `it speaks ${protocol === "other" ? "something else" : protocol.toUpperCase()}`,
  };
  return { socks4: none, socks4a: none, socks5: none };
}

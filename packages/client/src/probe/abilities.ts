import { REP } from "@sockskit/wire";

import type { ProbeAnswer, ProbeFinding, ProbeReport } from "./report.ts";

/** What the answers to SOCKS 5 requests show about what the proxy can do. */
export function abilitiesOf(answers: ProbeReport["socks5"]): ProbeReport["abilities"] {
  const { connectIpv4, connectName, connectIpv6, bind, udpAssociate, resolve } = answers;
  // Who is not let in is asked nothing more: that says why nothing is known about the rest.
  const failed = [connectIpv4, connectName, connectIpv6].find((answer) => answer?.outcome === "failed");
  return {
    remoteDns: reaches(connectName ?? failed, "a name"),
    ipv6: reaches(connectIpv6 ?? failed, "an IPv6 address"),
    bind: obeys(bind ?? failed),
    udp: obeys(udpAssociate ?? failed),
    resolve: looksUp(resolve ?? failed),
  };
}

/** A target that refuses was reached. */
function reaches(answer: ProbeAnswer | undefined, what: string): ProbeFinding {
  if (answer === undefined) return { verdict: "unknown", reason: "it was not asked" };
  if (answer.outcome === "granted") return { verdict: "yes", reason: `it connects to ${what}` };
  if (answer.outcome !== "refused") return noReply(answer);
  switch (answer.reply) {
    case REP.connectionRefused:
      return { verdict: "yes", reason: `it tries ${what}, where nobody listens` };
    case REP.addressTypeNotSupported:
      return { verdict: "no", reason: "it says that it does not support this kind of address" };
    case REP.networkUnreachable:
    case REP.hostUnreachable:
      return { verdict: "unknown", reason: `it understands ${what}, but does not get there` };
    default:
      return { verdict: "unknown", reason: "it refuses, and does not say that this is why" };
  }
}

function obeys(answer: ProbeAnswer | undefined): ProbeFinding {
  if (answer === undefined) return { verdict: "unknown", reason: "it was not asked" };
  if (answer.outcome === "granted") return { verdict: "yes", reason: "it does it" };
  if (answer.outcome !== "refused") return noReply(answer);
  switch (answer.reply) {
    case REP.commandNotSupported:
      return { verdict: "no", reason: "it says that it does not support this command" };
    case REP.connectionNotAllowedByRuleset:
      return { verdict: "no", reason: "its rules do not allow it" };
    default:
      return { verdict: "unknown", reason: "it refuses, and does not say that this is why" };
  }
}

/** Nothing but a look-up ends in "host unreachable". */
function looksUp(answer: ProbeAnswer | undefined): ProbeFinding {
  return answer?.outcome === "refused" && answer.reply === REP.hostUnreachable
    ? { verdict: "yes", reason: "it looks the name up, and does not find it" }
    : obeys(answer);
}

function noReply({ outcome, code }: ProbeAnswer): ProbeFinding {
  switch (outcome) {
    case "closed":
      return { verdict: "unknown", reason: "it closes the connection instead of answering" };
    case "silent":
      return { verdict: "unknown", reason: "it does not answer" };
    default:
      return { verdict: "unknown", reason: `it was not reached that far (${code ?? ""})` };
  }
}

import type { Socket } from "node:net";
import { dialAddress } from "@sockskit/dial";
import {
  type AllowDecision,
  decideAddress,
  decideRequest,
  type DenyDecision,
  type Policy,
  type Question,
} from "@sockskit/policy";
import type { IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { type Denial, denialOf, FULL, fullDenial, takeShare } from "./rule-share.ts";
import type { Settings } from "./settings.ts";

/** What became of a request. */
export type Outcome =
  | {
      readonly type: "reached";
      readonly target: Socket;
      /** The address that was dialled. */
      readonly address: IpAddress;
      /** Position of the rule that allowed it. */
      readonly rule: number;
      /** The place under the rule's limits; whoever has the outcome gives it back. */
      readonly share: RuleShare | undefined;
    }
  | (Denial & { readonly type: "denied" })
  | { readonly type: "unreachable"; readonly error: Error };

/** Tells `dial` that an address is not to be dialled; what it says is in the decision. */
const NOT_THIS_ONE = new ServerError("ERR_SOCKS_DENIED", "the rules deny this address");

/**
 * Decides on a request and connects: on what was asked, and again on each address before it is dialled. Only an
 * address that was decided on is dialled, so a name that changes its address in between finds no gap.
 *
 * Never rejects.
 */
export async function reach(
  question: Question,
  policy: Policy,
  settings: Settings,
  signal: AbortSignal,
): Promise<Outcome> {
  const asked = decideRequest(policy, question);
  if (asked.outcome === "deny") return denied(denialOf(asked));
  // For an address this is final: a limit that is used up spares the destination a useless connection.
  let allowed = asked.outcome === "allow" ? asked : undefined;
  let share = allowed && takeShare(allowed, policy, question, settings.ruleLimits);
  if (share === FULL) return denied(fullDenial(allowed as AllowDecision));

  let denial: DenyDecision | undefined;
  const check = (address: IpAddress): Error | undefined => {
    const decision = decideAddress(policy, question, address);
    if (decision.outcome === "allow") return undefined;
    denial = decision;
    return NOT_THIS_ONE;
  };
  try {
    const { resolver, family, localAddress } = settings.outbound;
    const { socket: target, address } = await dialAddress({
      destination: question.destination,
      resolver,
      family,
      localAddress,
      check,
      keepAlive: true,
      connectTimeoutMs: settings.timeouts.connectMs,
      signal,
    });
    if (allowed === undefined) {
      const decision = decideAddress(policy, question, address);
      if (decision.outcome === "deny") {
        target.destroy();
        return denied(denialOf(decision));
      }
      allowed = decision;
      share = takeShare(allowed, policy, question, settings.ruleLimits);
      if (share === FULL) {
        target.destroy();
        return denied(fullDenial(allowed));
      }
    }
    return { type: "reached", target, address, rule: allowed.rule.index, share };
  } catch (error) {
    if (share !== undefined) settings.ruleLimits.release(share as RuleShare);
    if (denial !== undefined && (error as { code?: unknown }).code === "ERR_SOCKS_ADDRESS_DENIED")
      return denied(denialOf(denial));
    return {
      type: "unreachable",
      error:
        error instanceof Error
          ? error
          : new ServerError("ERR_SOCKS_SESSION_FAILED", "dialling failed", { cause: error }),
    };
  }
}

function denied(denial: Denial): Outcome {
  return { type: "denied", ...denial };
}

import type { AllowDecision, DenyDecision, Policy, Question, RuleConfig } from "@sockskit/policy";
import { clientKey } from "../limits/client-key.ts";
import type { RuleLimits, RuleShare } from "../limits/rule-limits.ts";

/** Why the rules refuse a request. */
export interface Denial {
  readonly code: "ERR_SOCKS_DENIED" | "ERR_SOCKS_LIMIT" | "ERR_SOCKS_WRONG_PEER" | "ERR_SOCKS_GSSAPI_PROTECTION";
  readonly reason: string;
  /** Position of the rule that decided, if one did. */
  readonly rule: number | undefined;
}

/** What {@link takeShare} answers when there is no place left. */
export const FULL: unique symbol = Symbol("the rule's sessions are all taken");

/** The rule of `policy` that allows something. */
export function ruleOf({ rules }: Policy, { rule }: AllowDecision): RuleConfig {
  return rules[rule.index] as RuleConfig;
}

/** Takes a place under the limits of the rule of `policy` that allows something; `undefined` when it has none. */
export function takeShare(
  allowed: AllowDecision,
  policy: Policy,
  { user, client }: Pick<Question, "user" | "client">,
  ruleLimits: RuleLimits,
): RuleShare | undefined | typeof FULL {
  if (allowed.limit === undefined) return undefined;
  const who = user === undefined ? `client ${clientKey(client)}` : `user ${user.name}`;
  return ruleLimits.take(ruleOf(policy, allowed), who) ?? FULL;
}

/** A decision as what the client is refused for. */
export function denialOf({ reason, rule }: DenyDecision): Denial {
  return { code: "ERR_SOCKS_DENIED", reason, rule: rule?.index };
}

/** The refusal when {@link takeShare} says {@link FULL}. */
export function fullDenial({ rule }: AllowDecision): Denial {
  return { code: "ERR_SOCKS_LIMIT", reason: "the rule's limit of sessions is reached", rule: rule.index };
}

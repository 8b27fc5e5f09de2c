import { formatHost, type IpAddress } from "@sockskit/wire";
import { PROTECTED_SETS, setNames } from "./address-sets.ts";
import type { CompiledRule, Decision, Policy, RuleRef } from "./compiled.ts";
import { decideAddress, decideRequest, type ResolveDecision } from "./decide.ts";
import { describeRule } from "./describe.ts";
import { isAuthenticated, MATCH, matchRule, type Question, type Subject, subjectOf } from "./match.ts";

/** What became of one rule. */
export interface ExplainedRule {
  /** The rule. */
  readonly rule: RuleRef;
  /** The rule as {@link describeRule} writes it. */
  readonly text: string;
  /** `decides`: it is the one; `skipped`: it did not match; `depends`: only an address can tell; `unreached`: an earlier one decided. */
  readonly result: "decides" | "skipped" | "depends" | "unreached";
  /** Which condition did not hold, or why it decides. */
  readonly reason: string;
}

/** A decision with the way there. */
export interface ExplainedDecision {
  /** The address it is about; `undefined` for the request as it was asked. */
  readonly address: IpAddress | undefined;
  /** What was decided. */
  readonly decision: Decision | ResolveDecision;
  /** Every rule, in order. */
  readonly rules: readonly ExplainedRule[];
}

/** The answer of {@link explainDecision}. */
export interface Explanation {
  /** The decision on what was asked. */
  readonly request: ExplainedDecision;
  /** The decision on each address that a name resolved to; empty unless `request` says `resolve`. */
  readonly addresses: readonly ExplainedDecision[];
}

/**
 * Says which rule decides, and of every other rule why it does not. It asks the same
 * functions as {@link decideRequest} and {@link decideAddress}, so it cannot disagree.
 *
 * @param addresses What the name resolves to, when it was looked up.
 */
export function explainDecision(policy: Policy, question: Question, addresses: readonly IpAddress[] = []): Explanation {
  const decision = decideRequest(policy, question);
  const asked = question.destination.type === "domain" ? undefined : question.destination;
  return {
    request: { address: undefined, decision, rules: explainRules(policy, question, asked, decision) },
    addresses:
      decision.outcome === "resolve"
        ? addresses.map((address) => {
            const final = decideAddress(policy, question, address);
            return { address, decision: final, rules: explainRules(policy, question, address, final) };
          })
        : [],
  };
}

function explainRules(
  policy: Policy,
  question: Question,
  address: IpAddress | undefined,
  decision: Decision | ResolveDecision,
): readonly ExplainedRule[] {
  const subject = subjectOf(policy, question, address);
  let decided = false;
  return policy.compiled.map((rule, index): ExplainedRule => {
    const head = {
      rule: { index, isDefault: policy.isDefault },
      text: describeRule(policy.rules[index] as Policy["rules"][number]),
    };
    if (decided) return { ...head, result: "unreached", reason: "an earlier rule decides" };
    const met = matchRule(policy, rule, question, subject);
    if (met === MATCH.depends) {
      if (decision.outcome === "allow")
        return { ...head, result: "skipped", reason: "to: only an address could match, and none is looked up here" };
      return { ...head, result: "depends", reason: "its addresses are compared after the look-up" };
    }
    if (met !== MATCH.yes) return { ...head, result: "skipped", reason: reasonFor(rule, met, question, subject) };
    decided = true;
    if (decision.outcome !== "resolve") return { ...head, result: "decides", reason: decidingReason(rule, address) };
    return { ...head, result: "depends", reason: "every condition on the name holds; the address must pass as well" };
  });
}

function decidingReason({ decision }: CompiledRule, address: IpAddress | undefined): string {
  if (decision.outcome === "deny" || decision.via === undefined) return "every condition holds";
  const what = address === undefined ? "; the name is passed on to it as it is" : "";
  return `every condition holds; it goes via ${decision.via}${what}`;
}

function reasonFor(rule: CompiledRule, met: number, question: Question, subject: Subject): string {
  const who = question.user === undefined ? "the client is not authenticated" : `user ${question.user.name}`;
  switch (met) {
    case MATCH.clients:
      return `clients: ${formatHost(question.client)} is not among them`;
    case MATCH.authenticated:
      if (question.user === undefined) return `authenticated: ${who}`;
      return `authenticated: ${who} is${isAuthenticated(question.user) ? "" : " not: the name is no log-in"}`;
    case MATCH.users:
      return question.user === undefined ? `users: ${who}` : `users: ${who} is not among them`;
    case MATCH.groups:
      return question.user === undefined ? `groups: ${who}` : `groups: ${who} is in none of them`;
    case MATCH.commands:
      return rule.commands === undefined
        ? `commands: ${question.command} is allowed only where it is named`
        : `commands: ${question.command} is not among them`;
    case MATCH.ports:
      return `ports: ${question.destination.port} is not among them`;
    case MATCH.protected:
      return `it would allow, but ${placeOf(question, subject)} is in a protected set (${setNames(
        (subject.sets | subject.nameSets | subject.embeddedSets) & PROTECTED_SETS,
      )}) that its "to" does not name`;
    default:
      return `to: nothing in it matches ${placeOf(question, subject)}`;
  }
}

function placeOf(question: Question, subject: Subject): string {
  const asked = formatHost(question.destination);
  if (subject.address === undefined || subject.name === undefined) return asked;
  return `${asked} at ${formatHost(subject.address)}`;
}

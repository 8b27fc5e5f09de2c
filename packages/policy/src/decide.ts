import type { IpAddress } from "@sockskit/wire";
import type { Decision, DenyDecision, Policy } from "./compiled.ts";
import { type Asker, isSelf, MATCH, matchAsker, matchRule, type Question, setsOfClient, subjectOf } from "./match.ts";

/** A name was asked for and may be looked up: each address must then pass {@link decideAddress}. */
export interface ResolveDecision {
  /** No answer without the address. */
  readonly outcome: "resolve";
}

const RESOLVE: ResolveDecision = { outcome: "resolve" };
const NO_RULE: DenyDecision = { outcome: "deny", rule: undefined, reason: "no rule allows it" };
const PROTECTED: DenyDecision = {
  outcome: "deny",
  rule: undefined,
  reason: "no rule opens the protected set that the address is in",
};

/**
 * Decides on what the client asked. For an address the answer is final. For a name it is
 * a denial that no look-up could change, or `resolve`: an allow is never final before
 * {@link decideAddress} has seen the address that will be dialled, so a name that
 * resolves differently the second time finds no gap.
 *
 * Only a name that a rule passes on to its upstream is allowed as it is: nobody here will
 * know its address. Rules above that one which only an address could match are passed over.
 * Names of this host, such as `localhost`, are looked up in any case.
 */
export function decideRequest(policy: Policy, question: Question): Decision | ResolveDecision {
  if (question.destination.type !== "domain") return decideAddress(policy, question, question.destination);
  const subject = subjectOf(policy, question, undefined);
  let mayAllow = false;
  let fallback = NO_RULE;
  for (const rule of policy.compiled) {
    const met = matchRule(policy, rule, question, subject);
    if (met === MATCH.protected) fallback = PROTECTED;
    else if (met === MATCH.depends) mayAllow ||= rule.allow;
    else if (met === MATCH.yes && rule.passesNames && !isOfThisHost(subject.name)) return rule.decision;
    else if (met === MATCH.yes) return rule.allow || mayAllow ? RESOLVE : rule.decision;
  }
  return mayAllow ? RESOLVE : fallback;
}

/** Whether dialling `address` would reach a listener of the server itself, the set `self`. */
export function isOwnListener({ self }: Policy, address: IpAddress): boolean {
  return isSelf(self, address, address.port);
}

/** Names that every resolver takes to the host that asks it (RFC 6761 section 6.3): here that host is known. */
function isOfThisHost(name: string | undefined): boolean {
  return name === "localhost" || name === "localhost.localdomain" || name?.endsWith(".localhost") === true;
}

/**
 * Decides on an address that is about to be dialled: each candidate of a name, each
 * datagram. The port is the destination's. Rules on names see the name that was asked,
 * all others see `address`.
 */
export function decideAddress(policy: Policy, question: Question, address: IpAddress): Decision {
  const subject = subjectOf(policy, question, address);
  let fallback = NO_RULE;
  for (const rule of policy.compiled) {
    const met = matchRule(policy, rule, question, subject);
    if (met === MATCH.yes) return rule.decision;
    if (met === MATCH.protected) fallback = PROTECTED;
  }
  return fallback;
}

/**
 * Decides on a command whose destinations are not known yet, as those of UDP ASSOCIATE are not: a denial when no
 * destination at all would be allowed. An allow promises nothing: {@link decideAddress} decides on each address.
 */
export function decideCommand(policy: Policy, asker: Asker): Decision {
  const clientSets = setsOfClient(asker.client);
  for (const rule of policy.compiled) {
    if (matchAsker(policy, rule, asker, clientSets) !== MATCH.yes) continue;
    const isOfEverything = rule.ports === undefined && (rule.to === undefined || rule.to.any);
    if (rule.allow || isOfEverything) return rule.decision;
  }
  return NO_RULE;
}

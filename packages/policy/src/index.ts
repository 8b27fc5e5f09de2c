/**
 * Access rules for SOCKS servers as pure functions over plain data.
 *
 * {@link compilePolicy} takes rules, {@link decideRequest} decides on what a client asked,
 * {@link decideAddress} on each address that is about to be dialled, {@link decideCommand} on a command without one. The first rule that
 * matches wins; without a match the answer is no. {@link explainDecision} says why.
 *
 * @packageDocumentation
 */
export { ADDRESS_SETS, type AddressSet } from "./address-sets.ts";
export type { AllowDecision, Decision, DenyDecision, Policy, RuleRef } from "./compiled.ts";
export { compilePolicy } from "./compile.ts";
export {
  type Command,
  DEFAULT_RULES,
  type NameHandling,
  type PolicyConfig,
  type ProxyProtocolVersion,
  type RuleConfig,
  type RuleLimit,
} from "./config.ts";
export { decideAddress, decideCommand, decideRequest, isOwnListener, type ResolveDecision } from "./decide.ts";
export { describeRule } from "./describe.ts";
export { PolicyError, type PolicyErrorCode, type RuleProblem } from "./errors.ts";
export { type ExplainedDecision, type ExplainedRule, explainDecision, type Explanation } from "./explain.ts";
export type { Asker, Question, QuestionUser } from "./match.ts";
export { type ErrorLike, repForError, socks4CdForRep } from "./reply.ts";

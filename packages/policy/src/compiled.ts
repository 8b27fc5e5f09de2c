import type { RuleConfig, RuleLimit } from "./config.ts";

/** Which rule decided. */
export interface RuleRef {
  /** Position among the rules, counted from 0. */
  readonly index: number;
  /** Whether it is one of {@link DEFAULT_RULES}, in force because no rules were given. */
  readonly isDefault: boolean;
}

/** An allow. */
export interface AllowDecision {
  /** The request may be carried out. */
  readonly outcome: "allow";
  /** The rule that said so. */
  readonly rule: RuleRef;
  /** The rule's own `reason`, or which rule it was. */
  readonly reason: string;
  /** The rule's limits. */
  readonly limit?: RuleLimit;
  /** The upstream that the request goes by; absent: it goes directly. */
  readonly via?: string;
}

/** A denial. REP is 02, "connection not allowed by ruleset" (RFC 1928 section 6). */
export interface DenyDecision {
  /** The request must be refused. */
  readonly outcome: "deny";
  /** The rule that said so; `undefined` when no rule matched. */
  readonly rule: RuleRef | undefined;
  /** Why, in a few words, for logs: never anything that came from the client. */
  readonly reason: string;
}

/** A final answer. */
export type Decision = AllowDecision | DenyDecision;

/** IPv4 networks as pairs of address and mask, IPv6 networks as octets and prefix length. */
export interface Networks {
  readonly ipv4: Int32Array;
  readonly ipv6: readonly { readonly octets: Uint8Array; readonly prefixLength: number }[];
}

export interface ClientPatterns {
  readonly sets: number;
  readonly networks: Networks;
}

export interface TargetPatterns {
  /** `"*"` is among them. */
  readonly any: boolean;
  readonly sets: number;
  /** Whole names: lower case, A-labels, no trailing dot. */
  readonly names: ReadonlySet<string>;
  /** What follows `*.`, in the same form. */
  readonly suffixes: ReadonlySet<string>;
  readonly networks: Networks;
  /** Those of `networks` that hold one address: these open protected sets. */
  readonly exact: Networks;
  /** Whether an address could make them match where the name does not. */
  readonly dependsOnAddress: boolean;
}

export interface CompiledRule {
  readonly allow: boolean;
  readonly clients: ClientPatterns | undefined;
  readonly users: ReadonlySet<string> | undefined;
  readonly groups: ReadonlySet<string> | undefined;
  readonly authenticated: boolean | undefined;
  readonly commands: readonly string[] | undefined;
  readonly to: TargetPatterns | undefined;
  /** Pairs of first and last. */
  readonly ports: Uint16Array | undefined;
  /** Whether names are passed on to its upstream: nobody here learns their addresses. */
  readonly passesNames: boolean;
  /** What the rule answers, made once: deciding allocates nothing. */
  readonly decision: Decision;
}

/** `self`, ready to compare. */
export interface SelfPatterns {
  /** Every port that a listener has. */
  readonly ports: Uint16Array;
  /** For each of `ports`: whether its listener is on an unspecified address. */
  readonly wildcards: readonly boolean[];
  /** For each of `ports`: the listener's own address, 4 or 16 octets. */
  readonly listeners: readonly Uint8Array[];
  /** Addresses of this host: what an unspecified listener stands for. */
  readonly local: readonly Uint8Array[];
}

/**
 * Rules ready to decide. Plain data: it survives structured clone, so a worker
 * decides exactly as the main thread does. Made by {@link compilePolicy}.
 */
export interface Policy {
  /** The rules in force, as they were given. */
  readonly rules: readonly RuleConfig[];
  /** Whether these are {@link DEFAULT_RULES}, because none were given. */
  readonly isDefault: boolean;
  /** @internal */
  readonly compiled: readonly CompiledRule[];
  /** @internal Whether a rule has an entry such as `*.example`. */
  readonly hasSuffixes: boolean;
  /** @internal */
  readonly self: SelfPatterns;
}

import { ipv4Offset } from "./address-sets.ts";
import type { CompiledRule, Decision, Policy, RuleRef, SelfPatterns } from "./compiled.ts";
import { type Command, DEFAULT_RULES, type PolicyConfig, type RuleConfig } from "./config.ts";
import { PolicyError, type RuleProblem, showValue } from "./errors.ts";
import { compileClients, compileTargets, type Report } from "./patterns.ts";
import type { IpAddress } from "@sockskit/wire";

type Path = readonly (string | number)[];

const COMMANDS: readonly Command[] = ["connect", "bind", "udp-associate", "resolve", "resolve-ptr"];
const RULE_KEYS: readonly (keyof RuleConfig)[] = [
  "action",
  "clients",
  "users",
  "groups",
  "authenticated",
  "commands",
  "to",
  "ports",
  "reason",
  "limit",
  "via",
  "proxyProtocol",
];
const PROXY_PROTOCOL_VERSIONS: readonly unknown[] = ["off", "v1", "v2"];

/**
 * Compiles rules once, so that every decision is quick.
 *
 * @throws PolicyError `ERR_SOCKS_BAD_RULE`, with every mistake in `problems`.
 */
export function compilePolicy(config: PolicyConfig = {}): Policy {
  const isDefault = config.rules === undefined;
  const rules = config.rules ?? DEFAULT_RULES;
  const check = new Check();
  if (!Array.isArray(rules)) check.report(["rules"], rules, "a list of rules");
  const given: readonly RuleConfig[] = Array.isArray(rules) ? rules : [];
  const upstreams = config.upstreams ?? {};
  const drafts = given.map((rule, index) => compileRule(rule, index, isDefault, upstreams, check));
  check.finish();
  const compiled = drafts as readonly CompiledRule[]; // a rule that is missing was reported
  return {
    rules: structuredCopy(rules),
    isDefault,
    compiled,
    hasSuffixes: compiled.some((rule) => rule.to !== undefined && rule.to.suffixes.size > 0),
    self: compileSelf(config.self ?? [], config.localAddresses ?? []),
  };
}

/** Collects mistakes, and checks the shapes that untyped callers may get wrong. */
class Check {
  readonly #problems: RuleProblem[] = [];

  report(path: Path, value: unknown, expected: string, suggestion?: string): void {
    const found = showValue(value);
    this.#problems.push(suggestion === undefined ? { path, found, expected } : { path, found, expected, suggestion });
  }

  finish(): void {
    const [first, ...others] = this.#problems;
    if (first !== undefined) throw new PolicyError([first, ...others]);
  }

  /** A list that says something; an empty one would match nothing, which nobody means. */
  list(value: unknown, path: Path, expected: string): readonly unknown[] | undefined {
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
    this.report(path, value, `a list of ${expected}, with at least one entry`);
    return undefined;
  }

  texts(value: unknown, path: Path, expected: string): readonly string[] | undefined {
    const list = this.list(value, path, expected);
    if (list === undefined) return undefined;
    let sound = true;
    for (const [index, entry] of list.entries()) {
      if (typeof entry === "string" && entry !== "") continue;
      this.report([...path, index], entry, `text: one of ${expected}`);
      sound = false;
    }
    return sound ? (list as readonly string[]) : undefined;
  }

  boolean(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || typeof value === "boolean") return value;
    this.report(path, value, "true or false");
    return undefined;
  }
}

type Upstreams = NonNullable<PolicyConfig["upstreams"]>;

function compileRule(
  rule: RuleConfig,
  index: number,
  isDefault: boolean,
  upstreams: Upstreams,
  check: Check,
): CompiledRule | undefined {
  const path: Path = ["rules", index];
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) {
    check.report(path, rule, "a rule: a map with an action");
    return undefined;
  }
  for (const key of Object.keys(rule)) {
    if (!(RULE_KEYS as readonly string[]).includes(key)) {
      check.report([...path, key], key, `one of the keys ${RULE_KEYS.join(", ")}`);
    }
  }
  if (rule.action !== "allow" && rule.action !== "deny") {
    check.report([...path, "action"], rule.action, '"allow" or "deny"');
  }
  const reportIn =
    (key: string, entries: readonly string[]): Report =>
    (at, problem) =>
      check.report([...path, key, at], entries[at], problem.expected, problem.suggestion);

  const clients = check.texts(rule.clients, [...path, "clients"], "addresses, networks or named sets");
  const to = check.texts(rule.to, [...path, "to"], "names, addresses, networks or named sets");
  const users = check.texts(rule.users, [...path, "users"], "user names");
  if (users?.includes("*") === true) {
    check.report([...path, "users", users.indexOf("*")], "*", "the name of a user; authenticated: true means any user");
  }
  const groups = check.texts(rule.groups, [...path, "groups"], "group names");
  const via = checkVia(rule, upstreams, path, check);
  return {
    allow: rule.action === "allow",
    clients: clients && compileClients(clients, reportIn("clients", clients)),
    users: users && new Set(users),
    groups: groups && new Set(groups),
    authenticated: check.boolean(rule.authenticated, [...path, "authenticated"]),
    commands: compileCommands(rule.commands, [...path, "commands"], check),
    to: to && compileTargets(to, reportIn("to", to)),
    ports: compilePorts(rule.ports, [...path, "ports"], check),
    passesNames: via !== undefined && upstreams[via] === "remote",
    decision: decisionOf(rule, index, isDefault, path, check),
  };
}

function compileCommands(value: unknown, path: Path, check: Check): readonly string[] | undefined {
  const list = check.texts(value, path, COMMANDS.join(", "));
  for (const [index, command] of (list ?? []).entries()) {
    if (!(COMMANDS as readonly string[]).includes(command)) {
      check.report([...path, index], command, `one of ${COMMANDS.join(", ")}`);
    }
  }
  return list;
}

function compilePorts(value: unknown, path: Path, check: Check): Uint16Array | undefined {
  const list = check.list(value, path, "ports");
  if (list === undefined) return undefined;
  const pairs: number[] = [];
  for (const [index, entry] of list.entries()) {
    const range = portRange(entry);
    if (range === undefined)
      check.report([...path, index], entry, 'a port from 1 to 65535, or a range such as "8000-8999"');
    else pairs.push(...range);
  }
  return Uint16Array.from(pairs);
}

function portRange(entry: unknown): readonly [number, number] | undefined {
  if (typeof entry === "number") return isPort(entry) ? [entry, entry] : undefined;
  if (typeof entry !== "string") return undefined;
  const [first = "", last = first, more] = entry.split("-");
  const from = portOf(first);
  const to = portOf(last);
  return more === undefined && isPort(from) && isPort(to) && from <= to ? [from, to] : undefined;
}

/** Decimal digits only: no sign, no blank, no exponent, no leading zero. */
function portOf(text: string): number {
  return /^[1-9]\d{0,4}$/u.test(text) ? Number(text) : 0;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function decisionOf(rule: RuleConfig, index: number, isDefault: boolean, path: Path, check: Check): Decision {
  const ref: RuleRef = { index, isDefault };
  if (rule.reason !== undefined && typeof rule.reason !== "string") {
    check.report([...path, "reason"], rule.reason, "text");
  }
  const reason = rule.reason ?? `${isDefault ? "default rule" : "rule"} ${index + 1}`;
  const limit = checkLimit(rule, path, check);
  checkProxyProtocol(rule, [...path, "proxyProtocol"], check);
  if (rule.action !== "allow") return { outcome: "deny", rule: ref, reason };
  return {
    outcome: "allow",
    rule: ref,
    reason,
    ...(limit === undefined ? {} : { limit: { ...limit } }),
    ...(rule.via === undefined ? {} : { via: rule.via }),
  };
}

function checkVia(rule: RuleConfig, upstreams: Upstreams, path: Path, check: Check): string | undefined {
  const via: unknown = rule.via;
  if (via === undefined) return undefined;
  const at = [...path, "via"];
  if (rule.action === "deny") check.report(at, via, "no via: a deny rule lets nothing through");
  if (typeof via === "string" && Object.hasOwn(upstreams, via)) return via;
  const known = Object.keys(upstreams);
  check.report(at, via, known.length === 0 ? "no via: there are no upstreams" : `one of ${known.join(", ")}`);
  return undefined;
}

function checkLimit(rule: RuleConfig, path: Path, check: Check): RuleConfig["limit"] {
  const limit: unknown = rule.limit;
  if (limit === undefined) return undefined;
  const at = [...path, "limit"];
  if (typeof limit !== "object" || limit === null || Array.isArray(limit)) {
    check.report(at, limit, "a map with rate, sessions or both");
    return undefined;
  }
  if (rule.action === "deny") check.report(at, limit, "no limit: a deny rule lets nothing through");
  const units: Readonly<Record<string, string>> = { rate: "bytes per second", sessions: "sessions" };
  for (const [key, value] of Object.entries(limit)) {
    const unit = Object.hasOwn(units, key) ? units[key] : undefined;
    if (unit === undefined) check.report([...at, key], key, "one of the keys rate, sessions");
    else if (!Number.isSafeInteger(value) || value < 1) {
      check.report([...at, key], value, `a whole number of ${unit}, 1 or more`);
    }
  }
  return rule.limit;
}

function checkProxyProtocol({ action, proxyProtocol }: RuleConfig, path: Path, check: Check): void {
  if (proxyProtocol === undefined) return;
  if (!PROXY_PROTOCOL_VERSIONS.includes(proxyProtocol)) check.report(path, proxyProtocol, '"off", "v1" or "v2"');
  else if (action === "deny") check.report(path, proxyProtocol, "no proxyProtocol: a deny rule lets nothing through");
}

function compileSelf(self: readonly IpAddress[], localAddresses: readonly IpAddress[]): SelfPatterns {
  const listeners = self.map(ownOctets);
  return {
    ports: Uint16Array.from(self, (listener) => listener.port),
    wildcards: listeners.map((octets) => octets.every((octet) => octet === 0)),
    listeners,
    local: localAddresses.map(ownOctets),
  };
}

/** The octets of an address, of the IPv4 address when it is a mapped one. */
function ownOctets(address: IpAddress): Uint8Array {
  const offset = ipv4Offset(address);
  return offset < 0 ? address.octets.slice() : address.octets.slice(offset, offset + 4);
}

/** The rules as they were, out of the caller's reach. Rules are lists, maps, text and numbers. */
function structuredCopy(rules: readonly RuleConfig[]): readonly RuleConfig[] {
  return rules.map((rule) => ({
    ...rule,
    ...(rule.clients && { clients: [...rule.clients] }),
    ...(rule.users && { users: [...rule.users] }),
    ...(rule.groups && { groups: [...rule.groups] }),
    ...(rule.commands && { commands: [...rule.commands] }),
    ...(rule.to && { to: [...rule.to] }),
    ...(rule.ports && { ports: [...rule.ports] }),
    ...(rule.limit && { limit: { ...rule.limit } }),
  }));
}

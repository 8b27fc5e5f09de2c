import type { RuleConfig, RuleLimit } from "./config.ts";

/**
 * Writes a rule as one line of the configuration file (YAML flow style):
 * `allow: { users: [alice], ports: [443] }`.
 */
export function describeRule(rule: RuleConfig): string {
  const parts: string[] = [];
  const list = (key: string, values: readonly (string | number)[] | undefined): void => {
    if (values !== undefined) parts.push(`${key}: [${values.map(scalar).join(", ")}]`);
  };
  list("clients", rule.clients);
  list("users", rule.users);
  list("groups", rule.groups);
  if (rule.authenticated !== undefined) parts.push(`authenticated: ${rule.authenticated}`);
  list("commands", rule.commands);
  list("to", rule.to);
  list("ports", rule.ports);
  if (rule.reason !== undefined) parts.push(`reason: ${JSON.stringify(rule.reason)}`);
  const conditions = parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
  const whole = [`${rule.action}: ${conditions}`];
  if (rule.via !== undefined) whole.push(`via: ${scalar(rule.via)}`);
  if (rule.limit !== undefined) whole.push(`limit: ${describeLimit(rule.limit)}`);
  if (rule.proxyProtocol !== undefined) whole.push(`proxyProtocol: ${scalar(rule.proxyProtocol)}`);
  return whole.length === 1 ? (whole[0] as string) : `{ ${whole.join(", ")} }`;
}

function describeLimit(limit: RuleLimit): string {
  const parts: string[] = [];
  if (limit.rate !== undefined) parts.push(`rate: ${describeRate(limit.rate)}`);
  if (limit.sessions !== undefined) parts.push(`sessions: ${limit.sessions}`);
  return `{ ${parts.join(", ")} }`;
}

function describeRate(rate: number): string {
  if (rate % 1e6 === 0) return `${rate / 1e6}MB/s`;
  return rate % 1e3 === 0 ? `${rate / 1e3}kB/s` : `${rate}B/s`;
}

/** Plain where YAML reads it back as the same text, quoted everywhere else. */
function scalar(value: string | number): string {
  if (typeof value === "number") return String(value);
  return isPlain(value) ? value : JSON.stringify(value);
}

const RESERVED: ReadonlySet<string> = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

function isPlain(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9._-]*$/u.test(text) && !RESERVED.has(text.toLowerCase());
}

import { networkInterfaces } from "node:os";
import { createResolver, type Resolver } from "@sockskit/dial";
import {
  type Command,
  compilePolicy,
  type Decision,
  type ExplainedDecision,
  type ExplainedRule,
  explainDecision,
  type Question,
  type ResolveDecision,
} from "@sockskit/policy";
import { upstreamNameHandling } from "@sockskit/server";
import { type Address, formatAddress, formatHost, type IpAddress, parseIpAddress } from "@sockskit/wire";
import type { ConfigFlags } from "../config/flags.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { parseDestination, parseSubject } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { safeText } from "../log/safe-text.ts";

/** What `sockskitd explain` is asked. */
export interface ExplainFlags {
  readonly from: string;
  readonly to: string;
  readonly user?: string;
  readonly command: string;
}

const COMMANDS: readonly Command[] = ["connect", "bind", "udp-associate", "resolve", "resolve-ptr"];
const RESOLVE_TIMEOUT_MS = 5000;

/** `sockskitd explain`: says which rule decides, and why the others do not. */
export async function explain(file: string | undefined, flags: ConfigFlags, asked: ExplainFlags): Promise<void> {
  const loaded = await loadConfig(file, flags);
  const question = questionOf(asked, loaded);
  const policy = compilePolicy({
    ...(loaded.config.rules === undefined ? {} : { rules: loaded.config.rules }),
    self: loaded.config.listen.flatMap(({ address }) => (address.type === "unix" ? [] : [address])),
    localAddresses: hostAddresses(),
    upstreams: upstreamNameHandling(loaded.options.upstreams),
  });
  const lines = [headline(question)];
  if (question.user?.authenticated === false) {
    const source = loaded.config.auth.trustUserIds ? "a SOCKS 4 user id, which is believed" : "a name that ident gave";
    lines.push(`the configuration has no users, so this can only be ${source}`);
  } else if (question.user !== undefined && !loaded.users.some(({ name }) => name === question.user?.name)) {
    lines.push("the configuration has no such user: taken for one without groups");
  }
  const first = explainDecision(policy, question);
  if (first.request.decision.outcome === "resolve") {
    const found = await lookUp(question.destination);
    const full = explainDecision(policy, question, found.addresses);
    lines.push(...describe("the name", full.request));
    for (const decided of full.addresses) lines.push(...describe(formatHost(decided.address as IpAddress), decided));
    if (found.failure !== undefined) lines.push("", `${formatHost(question.destination)}: ${found.failure}`);
  } else {
    lines.push(...describe("the request", first.request));
  }
  process.stdout.write(`${lines.map(safeText).join("\n")}\n`);
}

function questionOf({ from, to, user, command }: ExplainFlags, { users, config, options }: LoadedConfig): Question {
  const client = parseIpAddress(from);
  if (client === undefined) throw new UsageError(`--from ${JSON.stringify(from)}: expected an IP address`);
  // What is looked up has no port.
  const destination = isLookUp(command) ? parseSubject(to) : parseDestination(to);
  if (
    isLookUp(command) &&
    (destination === undefined || (command === "resolve-ptr" && destination.type === "domain"))
  ) {
    const expected = command === "resolve-ptr" ? "an IP address" : "a host name or an IP address";
    throw new UsageError(`--to ${JSON.stringify(to)}: expected ${expected}, without a port`);
  }
  if (destination === undefined)
    throw new UsageError(`--to ${JSON.stringify(to)}: expected HOST:PORT, such as www.example:443`);
  if (!(COMMANDS as readonly string[]).includes(command)) {
    throw new UsageError(`--command ${JSON.stringify(command)}: expected one of ${COMMANDS.join(", ")}`);
  }
  const base = { client, destination, command: command as Command };
  if (user === undefined) return base;
  const { ident, trustUserIds } = config.auth;
  if (options.credentials === undefined && (ident.mode === "require" || trustUserIds)) {
    return { ...base, user: { name: user, groups: [], authenticated: false } };
  }
  return { ...base, user: { name: user, groups: users.find(({ name }) => name === user)?.groups ?? [] } };
}

function isLookUp(command: string): boolean {
  return command === "resolve" || command === "resolve-ptr";
}

function headline({ client, user, command, destination }: Question): string {
  const who = user === undefined ? "a client" : `user ${JSON.stringify(user.name)}`;
  return `${who} at ${formatHost(client)} asks for ${command} ${isLookUp(command) ? `of ${formatHost(destination)}` : `to ${formatAddress(destination)}`}`;
}

function describe(what: string, { rules, decision }: ExplainedDecision): readonly string[] {
  return ["", `${what}: ${verdict(decision)}`, ...rules.flatMap(describeRuleLine)];
}

function verdict(decision: Decision | ResolveDecision): string {
  if (decision.outcome === "resolve") return "is looked up, and each address decided on";
  const rule =
    decision.rule === undefined
      ? ""
      : ` by ${decision.rule.isDefault ? "default rule" : "rule"} ${decision.rule.index + 1}`;
  const reason = decision.rule === undefined ? ` (${decision.reason})` : "";
  const via = decision.outcome === "allow" && decision.via !== undefined ? `, via ${decision.via}` : "";
  return `${decision.outcome === "allow" ? "allowed" : "denied"}${rule}${via}${reason}`;
}

function describeRuleLine({ rule, text, result, reason }: ExplainedRule): readonly string[] {
  return [`  ${rule.index + 1}. ${text}`, `     ${result}: ${reason}`];
}

async function lookUp(destination: Address): Promise<{ addresses: readonly IpAddress[]; failure?: string }> {
  const resolver: Resolver = createResolver();
  try {
    const signal = AbortSignal.timeout(RESOLVE_TIMEOUT_MS);
    return { addresses: await resolver.resolve(destination.host, { family: "auto", signal }) };
  } catch (error) {
    return {
      addresses: [],
      failure: `the name cannot be looked up (${error instanceof Error ? error.message : String(error)})`,
    };
  } finally {
    resolver.close?.();
  }
}

function hostAddresses(): readonly IpAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => parseIpAddress(address))
    .filter((address) => address !== undefined);
}

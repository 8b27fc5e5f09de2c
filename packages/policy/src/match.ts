import type { Address, IpAddress } from "@sockskit/wire";
import { ipv4At, ipv4Offset, METADATA_NAME, PROTECTED_SETS, SET, setsOf, setsOfIpv4 } from "./address-sets.ts";
import type { ClientPatterns, CompiledRule, Networks, Policy, SelfPatterns, TargetPatterns } from "./compiled.ts";
import type { Command } from "./config.ts";
import { embeddedIpv4s } from "./embedded.ts";
import { nameKey } from "./patterns.ts";

/** Who asks for what. */
export interface Question extends Asker {
  /** Where it wants to go, as it was asked: a name stays a name. */
  readonly destination: Address;
}

/** Who asks for a command. */
export interface Asker {
  /** Where the client is. */
  readonly client: IpAddress;
  /** Who it is, once authenticated. A SOCKS 4 user id that no ident confirms is a claim, not an identity. */
  readonly user?: QuestionUser;
  /** What it wants done. */
  readonly command: Command;
}

/** A user: one that logged in, or one that ident named. */
export interface QuestionUser {
  /** The name, as the authentication method or ident gave it. */
  readonly name: string;
  /** The groups the user is in. */
  readonly groups: readonly string[];
  /** False for a name that ident or a believed user id gave: `users` knows it, `authenticated` does not. Default true. */
  readonly authenticated?: boolean;
}

/** Whether a user has logged in. */
export function isAuthenticated(user: QuestionUser | undefined): boolean {
  return user !== undefined && user.authenticated !== false;
}

/** How a rule met a question: which condition failed first, or none. */
export const MATCH = {
  yes: 0,
  /** Only the dialled address can tell. */
  depends: 1,
  clients: 2,
  users: 3,
  groups: 4,
  authenticated: 5,
  commands: 6,
  ports: 7,
  to: 8,
  /** The rule would allow, but does not open the protected set that the address is in. */
  protected: 9,
} as const;

/** What is known of the destination when rules are asked, computed once per decision. */
export interface Subject {
  /** The name that was asked for, as a key; `undefined` for a literal. */
  readonly name: string | undefined;
  /** The names above it, `b.example` and `example` for `a.b.example`; empty when no rule asks. */
  readonly parents: readonly string[];
  /** What will be dialled; `undefined` while a name has not been looked up. */
  readonly address: IpAddress | undefined;
  /** Sets that the name is in, wherever it leads. */
  readonly nameSets: number;
  /** Sets of the address. */
  readonly sets: number;
  /** IPv4 addresses inside the address. */
  readonly embedded: readonly number[];
  /** Sets of those. */
  readonly embeddedSets: number;
  /** Sets of the client, without `self`. */
  readonly clientSets: number;
  /** Whether protected sets are open to the client. */
  readonly isTrusted: boolean;
}

const NONE: readonly never[] = [];

/** Looks at the question once, for all rules. */
export function subjectOf(policy: Policy, question: Question, address: IpAddress | undefined): Subject {
  const { client, destination } = question;
  const clientSets = setsOfClient(client);
  const isTrusted = clientSets === SET.loopback;
  const name = destination.type === "domain" ? nameKey(destination.host) : undefined;
  const nameSets = name === METADATA_NAME ? SET.metadata : 0;
  let sets = 0;
  let embedded: readonly number[] = NONE;
  let embeddedSets = 0;
  if (address !== undefined) {
    sets = setsOf(address);
    if (isSelf(policy.self, address, destination.port)) sets |= SET.self;
    embedded = embeddedIpv4s(address.octets);
    for (const ip of embedded) embeddedSets |= setsOfEmbedded(policy.self, ip, destination.port);
  }
  const parents = name !== undefined && policy.hasSuffixes ? parentsOf(name) : NONE;
  return { name, parents, address, nameSets, sets, embedded, embeddedSets, clientSets, isTrusted };
}

/** No client comes from 0.0.0.0 or ::. They are loopback as destinations only. */
export function setsOfClient(client: IpAddress): number {
  const sets = setsOf(client);
  return (sets & SET.unspecified) === 0 ? sets : SET.unspecified;
}

/** How `rule` meets the question. */
export function matchRule(policy: Policy, rule: CompiledRule, question: Question, subject: Subject): number {
  const asker = matchAsker(policy, rule, question, subject.clientSets);
  if (asker !== MATCH.yes) return asker;
  if (rule.ports !== undefined && !matchesPort(rule.ports, question.destination.port)) return MATCH.ports;
  if (rule.to !== undefined) {
    const met = matchTarget(rule, rule.to, subject);
    if (met !== MATCH.yes) return met;
  }
  if (!rule.allow || subject.isTrusted || opens(policy, rule.to, question.destination.port, subject)) return MATCH.yes;
  // A protected name: the rule may still hold the exact address that it resolves to.
  return subject.address === undefined && rule.to?.dependsOnAddress === true ? MATCH.depends : MATCH.protected;
}

/** How `rule` meets who asks for what, wherever it leads. */
export function matchAsker(policy: Policy, rule: CompiledRule, asker: Asker, clientSets: number): number {
  const { client, user, command } = asker;
  if (rule.clients !== undefined && !matchesClient(policy, rule, client, clientSets)) return MATCH.clients;
  if (rule.authenticated !== undefined && rule.authenticated !== isAuthenticated(user)) return MATCH.authenticated;
  if (rule.users !== undefined && !(user !== undefined && rule.users.has(user.name))) return MATCH.users;
  if (rule.groups !== undefined && !(user !== undefined && isInGroup(rule.groups, user.groups))) return MATCH.groups;
  const namesIt = rule.commands === undefined ? !rule.allow || !isByNameOnly(command) : rule.commands.includes(command);
  return namesIt ? MATCH.yes : MATCH.commands;
}

/** Tor's look-ups are no part of what a rule without `commands` has always allowed. */
function isByNameOnly(command: Command): boolean {
  return command === "resolve" || command === "resolve-ptr";
}

function matchesClient(policy: Policy, rule: CompiledRule, client: IpAddress, clientSets: number): boolean {
  const patterns = rule.clients as ClientPatterns;
  if ((patterns.sets & clientSets) !== 0) return true;
  if ((patterns.sets & SET.self) !== 0 && isLocal(policy.self, client)) return true;
  if (containsAddress(patterns.networks, client)) return true;
  if (rule.allow || client.octets.length === 4) return false;
  for (const ip of embeddedIpv4s(client.octets)) {
    if ((patterns.sets & setsOfIpv4(ip)) !== 0 || containsIpv4(patterns.networks, ip)) return true;
  }
  return false;
}

function isInGroup(groups: ReadonlySet<string>, of: readonly string[]): boolean {
  for (const group of of) if (groups.has(group)) return true;
  return false;
}

function matchesPort(pairs: Uint16Array, port: number): boolean {
  for (let index = 0; index < pairs.length; index += 2) {
    if (port >= (pairs[index] as number) && port <= (pairs[index + 1] as number)) return true;
  }
  return false;
}

/** Names match the name that was asked, everything else matches the address that is dialled. */
function matchTarget(rule: CompiledRule, to: TargetPatterns, subject: Subject): number {
  if (to.any) return MATCH.yes;
  // What is inside an IPv6 address counts for denying, never for allowing.
  const sets = rule.allow ? subject.sets : subject.sets | subject.embeddedSets;
  if ((to.sets & (sets | subject.nameSets)) !== 0) return MATCH.yes;
  if (subject.name !== undefined && matchesName(to, subject.name, subject.parents)) return MATCH.yes;
  if (subject.address === undefined) return to.dependsOnAddress ? MATCH.depends : MATCH.to;
  if (containsAddress(to.networks, subject.address)) return MATCH.yes;
  if (!rule.allow) for (const ip of subject.embedded) if (containsIpv4(to.networks, ip)) return MATCH.yes;
  return MATCH.to;
}

function matchesName(to: TargetPatterns, name: string, parents: readonly string[]): boolean {
  if (to.names.size > 0 && to.names.has(name)) return true;
  if (to.suffixes.size === 0) return false;
  for (const parent of parents) if (to.suffixes.has(parent)) return true;
  return false;
}

function parentsOf(name: string): readonly string[] {
  const parents: string[] = [];
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) parents.push(name.slice(dot + 1));
  return parents;
}

function containsAddress(networks: Networks, address: IpAddress): boolean {
  const offset = ipv4Offset(address);
  if (offset >= 0) return networks.ipv4.length > 0 && containsIpv4(networks, ipv4At(address.octets, offset));
  for (const network of networks.ipv6) if (isWithin(network.octets, network.prefixLength, address.octets)) return true;
  return false;
}

function containsIpv4(networks: Networks, ip: number): boolean {
  const pairs = networks.ipv4;
  for (let index = 0; index < pairs.length; index += 2) {
    if ((ip & (pairs[index + 1] as number)) === pairs[index]) return true;
  }
  return false;
}

function isWithin(network: Uint8Array, prefixLength: number, octets: Uint8Array): boolean {
  const whole = prefixLength >>> 3;
  for (let index = 0; index < whole; index++) if (network[index] !== octets[index]) return false;
  const rest = prefixLength & 7;
  if (rest === 0) return true;
  return (((network[whole] as number) ^ (octets[whole] as number)) & (0xff << (8 - rest))) === 0;
}

/**
 * Whether an allow rule opens the protected sets that the destination is in: its
 * `to` names the set, or the very address. The name, the address and every address
 * inside it are asked for themselves: naming the set of one does not open another's.
 * `self` is about a port as well, which an address says nothing of: only its name opens it.
 */
function opens(policy: Policy, to: TargetPatterns | undefined, port: number, subject: Subject): boolean {
  if (((subject.sets | subject.nameSets | subject.embeddedSets) & PROTECTED_SETS) === 0) return true;
  if (to === undefined) return false;
  if (((subject.sets | subject.embeddedSets) & SET.self & ~to.sets) !== 0) return false;
  if (subject.address !== undefined && containsAddress(to.exact, subject.address)) return true;
  if (!isOpened(subject.nameSets, to.sets) || !isOpened(subject.sets, to.sets)) return false;
  for (const ip of subject.embedded) if (!isOpened(setsOfEmbedded(policy.self, ip, port), to.sets)) return false;
  return true;
}

/**
 * `self` and `metadata` are lists of single addresses inside other sets: each has to
 * be named itself, and naming it is enough. Of the other sets only `unspecified` has
 * company (`loopback`, the same host): either name will do.
 */
function isOpened(sets: number, named: number): boolean {
  const closed = sets & PROTECTED_SETS;
  const listed = closed & (SET.self | SET.metadata);
  if (listed !== 0) return (listed & ~named) === 0;
  return closed === 0 || (closed & named) !== 0;
}

function setsOfEmbedded(self: SelfPatterns, ip: number, port: number): number {
  return setsOfIpv4(ip) | (isSelfIpv4(self, ip, port) ? SET.self : 0);
}

/** Whether dialling `address` at `port` would reach one of the server's own listeners. */
export function isSelf(self: SelfPatterns, address: IpAddress, port: number): boolean {
  if (!self.ports.includes(port)) return false;
  const offset = ipv4Offset(address);
  if (offset >= 0) return isSelfIpv4(self, ipv4At(address.octets, offset), port);
  const sets = setsOf(address);
  for (let index = 0; index < self.ports.length; index++) {
    if (self.ports[index] !== port) continue;
    // The kernel takes an unspecified destination for this host, whatever the listener's address.
    if ((sets & SET.unspecified) !== 0 || isSame(self.listeners[index] as Uint8Array, address.octets)) return true;
    if (self.wildcards[index] === true && ((sets & SET.loopback) !== 0 || isLocal(self, address))) return true;
  }
  return false;
}

function isSelfIpv4(self: SelfPatterns, ip: number, port: number): boolean {
  for (let index = 0; index < self.ports.length; index++) {
    if (self.ports[index] !== port) continue;
    if (ip === 0 || isIpv4(self.listeners[index] as Uint8Array, ip)) return true;
    if (self.wildcards[index] === true && (ip >>> 24 === 127 || self.local.some((octets) => isIpv4(octets, ip)))) {
      return true;
    }
  }
  return false;
}

function isIpv4(octets: Uint8Array, ip: number): boolean {
  return octets.length === 4 && ipv4At(octets, 0) === ip;
}

/** Whether the address is one of this host's, at whatever port. */
function isLocal(self: SelfPatterns, address: IpAddress): boolean {
  const offset = ipv4Offset(address);
  const matches = (octets: Uint8Array): boolean =>
    offset < 0 ? isSame(octets, address.octets) : isIpv4(octets, ipv4At(address.octets, offset));
  for (const octets of self.local) if (matches(octets)) return true;
  for (const octets of self.listeners) if (matches(octets)) return true;
  return false;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

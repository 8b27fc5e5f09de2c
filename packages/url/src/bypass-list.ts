import { type Address, type Network, networkContains, toAsciiName } from "@sockskit/wire";

import { attempt, readNetwork, readPort } from "./host-port.ts";
import { redactList } from "./redact.ts";
import { type Slice, type TextSource, checkLength, mistake } from "./text-source.ts";

/** Longest bypass list that is read, in UTF-16 units. */
export const MAX_BYPASS_LIST_LENGTH = 65_536;

/** What one entry of a {@link BypassList} stands for. */
export type BypassPattern =
  | {
      /** `*`: every host. */
      readonly type: "any";
    }
  | {
      /** A name and everything below it. */
      readonly type: "name";
      /** The name: ASCII, lower case, without dots at its ends. */
      readonly name: string;
    }
  | {
      /** An IP address or network; never matches a name. */
      readonly type: "network";
      /** The network. */
      readonly network: Network;
    };

/** One entry of a {@link BypassList}. */
export interface BypassEntry {
  /** The entry as it was written. */
  readonly text: string;
  /** Which hosts it covers. */
  readonly pattern: BypassPattern;
  /** The only port it covers; absent: every port. */
  readonly port?: number;
}

/** Hosts that are reached without a proxy: a parsed `no_proxy`, plain data. */
export interface BypassList {
  /** The entries, in the order in which they were written. */
  readonly entries: readonly BypassEntry[];
}

const CODE = "ERR_SOCKS_BAD_BYPASS_LIST";
const ENTRY = /[^\s,]+/g;

/**
 * Reads a list in the manner of `no_proxy`: entries separated by commas or white space. An entry is `*`, a name (it covers
 * its sub-domains; a leading `.` or `*.` changes nothing), an IP address or a network in CIDR form; each may end in
 * `:port`. IPv6 with a port is written in brackets.
 *
 * @throws ProxyUrlError `ERR_SOCKS_BAD_BYPASS_LIST`, also for texts that only look like an address: `010.0.0.1`, `10.*`.
 */
export function parseBypassList(text: string): BypassList {
  return readBypassList({ text });
}

/** {@link parseBypassList} on a text that may come from a variable. */
export function readBypassList(from: TextSource): BypassList {
  const { text } = from;
  const source: TextSource = { ...from, show: () => redactList(text, ",") };
  checkLength(source, CODE, MAX_BYPASS_LIST_LENGTH);
  const entries: BypassEntry[] = [];
  for (const match of text.matchAll(ENTRY)) entries.push(readEntry(source, { text: match[0], start: match.index }));
  return { entries };
}

/**
 * Whether a target is on the list. Names are compared label by label; addresses only when the target is an address itself
 * (nothing is resolved), IPv4-mapped ones as IPv4, and never by their zone.
 */
export function matchesBypassList(list: BypassList, target: Address): boolean {
  return findBypass(list, target) !== undefined;
}

/** The first entry that covers the target. */
export function findBypass(list: BypassList, target: Address): BypassEntry | undefined {
  return list.entries.find(({ pattern, port }) => (port ?? target.port) === target.port && covers(pattern, target));
}

function covers(pattern: BypassPattern, target: Address): boolean {
  if (pattern.type === "any") return true;
  if (target.type !== "domain") return pattern.type === "network" && networkContains(pattern.network, target);
  if (pattern.type !== "name") return false;
  return target.host === pattern.name || target.host.endsWith(`.${pattern.name}`);
}

function readEntry(source: TextSource, slice: Slice): BypassEntry {
  const { text, start } = slice;
  const closing = text.startsWith("[") ? text.indexOf("]") : -1;
  // With a second colon outside brackets it is an IPv6 address or network that has no port.
  const colon = text.indexOf(":", closing + 1);
  const hasPort = colon !== -1 && /^\d+$/.test(text.slice(colon + 1));
  const pattern = readPattern(hasPort ? text.slice(0, colon) : text);
  if (pattern === undefined) {
    const problem =
      'expected a name ("example.com"), an address or network ("10.0.0.0/8", "[2001:db8::]/32") or "*", and after it perhaps ":port"';
    throw mistake(source, CODE, problem, start);
  }
  if (!hasPort) return { text, pattern };
  return { text, pattern, port: readPort(source, { text: text.slice(colon + 1), start: start + colon + 1 }, CODE) };
}

function readPattern(host: string): BypassPattern | undefined {
  if (host === "*") return { type: "any" };
  const network = readNetwork(host);
  if (network !== undefined) return { type: "network", network };
  const name = host.startsWith("*.") ? host.slice(2) : host.startsWith(".") ? host.slice(1) : host;
  const ascii = attempt(() => toAsciiName(name));
  return ascii === undefined ? undefined : { type: "name", name: ascii };
}

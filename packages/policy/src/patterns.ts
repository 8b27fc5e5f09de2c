import { type Network, parseNetwork, toAsciiName } from "@sockskit/wire";
import { ipv4At, SET, ADDRESS_SETS, type AddressSet } from "./address-sets.ts";
import type { ClientPatterns, Networks, TargetPatterns } from "./compiled.ts";

/*
 * Entries of `to` and `clients`. An entry is, in this order: "*", the name of a
 * set, an address, a network, a name. What looks like an address and is none
 * ("127.1", "0x7f.1") is refused by the name parser, so it never becomes a name.
 */

/** What is wrong with an entry. */
interface EntryProblem {
  readonly expected: string;
  readonly suggestion?: string;
}

/** Takes what is wrong with the entry at `index`. */
export type Report = (index: number, problem: EntryProblem) => void;

type Entry =
  | { readonly type: "any" }
  | { readonly type: "set"; readonly bit: number }
  | { readonly type: "network"; readonly network: Network }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "suffix"; readonly name: string }
  | { readonly type: "problem"; readonly problem: EntryProblem };

const SETS = ADDRESS_SETS.join(", ");
const EXPECTED_CLIENT = `an address, a network such as 10.0.0.0/8, "*" or one of the sets ${SETS}`;
const EXPECTED_TARGET = `a name, "*.name", an address, a network such as 10.0.0.0/8, "*" or one of the sets ${SETS}`;

/** Names compare in lower case and without a trailing dot. */
export function nameKey(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

function parseEntry(text: string, expected: string): Entry {
  if (text === "*") return { type: "any" };
  if (Object.hasOwn(SET, text)) return { type: "set", bit: SET[text as AddressSet] };
  const network = networkOf(text);
  if (network !== undefined) return { type: "network", network };
  const wildcard = text.startsWith("*.");
  const name = nameOf(wildcard ? text.slice(2) : text);
  if (name === undefined) return { type: "problem", problem: problemOf(text, expected) };
  // A set with a typo would otherwise become the name of a host, without a word.
  const meant = text.includes(".") ? undefined : ADDRESS_SETS.find((set) => isNear(text.toLowerCase(), set));
  if (meant !== undefined) {
    return {
      type: "problem",
      problem: { expected: `the set ${meant} (or "${text}." for a host of that name)`, suggestion: meant },
    };
  }
  return { type: wildcard ? "suffix" : "name", name };
}

function problemOf(text: string, expected: string): EntryProblem {
  if (text.includes("%")) return { expected: `${expected}; rules know no IPv6 zones` };
  if (text.startsWith(".")) return { expected, suggestion: `"*${text}"` };
  if (text.includes("*")) return { expected: `${expected}; "*" stands alone or before the first dot of a name` };
  if (text.includes(":")) return { expected: `${expected}; ports belong in the rule's ports` };
  return { expected };
}

function networkOf(text: string): Network | undefined {
  try {
    return parseNetwork(text);
  } catch {
    return undefined;
  }
}

function nameOf(text: string): string | undefined {
  if (text === "" || text.startsWith(".") || text.includes("*") || text.includes("/") || text.includes(":")) {
    return undefined;
  }
  try {
    return nameKey(toAsciiName(text));
  } catch {
    return undefined;
  }
}

/** One edit apart: a letter more, less, other, or two swapped. Only for words long enough to tell. */
function isNear(word: string, set: string): boolean {
  if (set.length < 6 && word.length < 4) return false;
  let start = 0;
  while (start < word.length && start < set.length && word[start] === set[start]) start++;
  const a = word.slice(start);
  const b = set.slice(start);
  if (a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1)) return true;
  return a.length > 1 && a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
}

/** What a list of entries says, sorted by kind. */
interface Entries {
  any: boolean;
  sets: number;
  readonly names: Set<string>;
  readonly suffixes: Set<string>;
  readonly networks: Network[];
}

function parseEntries(texts: readonly string[], expected: string, report: Report): Entries {
  const entries: Entries = { any: false, sets: 0, names: new Set(), suffixes: new Set(), networks: [] };
  for (const [index, text] of texts.entries()) {
    const entry = parseEntry(text, expected);
    if (entry.type === "any") entries.any = true;
    else if (entry.type === "set") entries.sets |= entry.bit;
    else if (entry.type === "network") entries.networks.push(entry.network);
    else if (entry.type === "problem") report(index, entry.problem);
    else if (expected === EXPECTED_CLIENT) report(index, { expected: `${expected}; clients have no names here` });
    else (entry.type === "name" ? entries.names : entries.suffixes).add(entry.name);
  }
  return entries;
}

function listOf(networks: readonly Network[]): Networks {
  const ipv4 = networks.filter((network) => network.type === "ipv4");
  return {
    ipv4: Int32Array.from(ipv4.flatMap((network) => [ipv4At(network.octets, 0), maskOf(network.prefixLength)])),
    ipv6: networks.filter((network) => network.type === "ipv6"),
  };
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}

/** Compiles `to`; what is wrong goes to `report` with its index. */
export function compileTargets(texts: readonly string[], report: Report): TargetPatterns {
  const { any, sets, names, suffixes, networks } = parseEntries(texts, EXPECTED_TARGET, report);
  const exact = networks.filter((network) => network.prefixLength === network.octets.length * 8);
  const dependsOnAddress = sets !== 0 || networks.length > 0;
  return { any, sets, names, suffixes, networks: listOf(networks), exact: listOf(exact), dependsOnAddress };
}

/** Compiles `clients`; `undefined` when `"*"` is among them. */
export function compileClients(texts: readonly string[], report: Report): ClientPatterns | undefined {
  const { any, sets, networks } = parseEntries(texts, EXPECTED_CLIENT, report);
  return any ? undefined : { sets, networks: listOf(networks) };
}

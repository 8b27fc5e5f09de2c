import type { ProxySchemeMeaning } from "./schemes.ts";
import { decodePart } from "./percent.ts";
import { type Slice, type TextSource, mistake } from "./text-source.ts";

/** What may protect everything after the log-in, in the words of the whole project. */
export type ProxyUrlProtection = "confidentiality" | "integrity" | "none";

/** How a proxy is logged in to with GSS-API, RFC 1961, as its URL says. Absent fields mean what they mean everywhere. */
export interface ProxyUrlGssapi {
  /** Service of the proxy: `rcmd`, `socks@proxy.example.com`, `rcmd/proxy.example.com@EXAMPLE.COM`; 1 to 255 octets. */
  readonly service?: string;
  /** Who this side is, such as `alice` or `alice@EXAMPLE.COM`; 1 to 255 octets. */
  readonly principal?: string;
  /** What is good enough for everything after the log-in. */
  readonly protection?: readonly ProxyUrlProtection[];
  /** Whether the protection level travels unprotected. */
  readonly nec?: true;
}

const CODE = "ERR_SOCKS_BAD_PROXY_URL";
const PROTECTIONS: readonly ProxyUrlProtection[] = ["confidentiality", "integrity", "none"];
const KEYS = ["gssapi-service", "gssapi-principal", "gssapi-protection", "gssapi-nec"] as const;

type Key = (typeof KEYS)[number];

/**
 * Reads what follows the `?` of a proxy URL: `key=value` with `&` between them, each key once. Values are percent-decoded.
 *
 * @param query - Without the `?`.
 */
export function readGssapiQuery(source: TextSource, query: Slice, meaning: ProxySchemeMeaning): ProxyUrlGssapi {
  const problem = schemeProblem(meaning);
  if (problem !== undefined) throw mistake(source, CODE, problem, query.start - 1);
  const found = new Set<Key>();
  let options: ProxyUrlGssapi = {};
  let start = query.start;
  for (const item of query.text.split("&")) {
    const equals = item.indexOf("=");
    const name = equals === -1 ? item : item.slice(0, equals);
    const key = KEYS.find((known) => known === name);
    if (key === undefined) {
      const problem = `a proxy URL has no query but options of GSS-API; expected one of ${KEYS.join(", ")}`;
      throw mistake(source, CODE, problem, start);
    }
    if (found.has(key)) throw mistake(source, CODE, `${key} comes twice`, start);
    const value = { text: equals === -1 ? "" : item.slice(equals + 1), start: start + key.length + 1 };
    if (value.text === "") throw mistake(source, CODE, `${key} has no value; expected ${expected(key)}`, start);
    found.add(key);
    options = { ...options, ...readValue(source, key, value) };
    start += item.length + 1;
  }
  return Object.freeze(options);
}

/** Why URLs of a scheme have no options of GSS-API; `undefined` when they may. */
export function schemeProblem({ scheme, version }: ProxySchemeMeaning): string | undefined {
  if (version === 5) return undefined;
  // What `auto` finds may be SOCKS 4, where nothing would be protected.
  return `a ${scheme} URL has no query; options of GSS-API are for SOCKS 5, for example socks5h://`;
}

/** Writes the options so that {@link readGssapiQuery} reads the same, with the `?`. */
export function formatGssapiQuery({ service, principal, protection, nec }: ProxyUrlGssapi): string {
  const values: readonly (readonly [Key, string | undefined])[] = [
    ["gssapi-service", service && encodeURIComponent(service)],
    ["gssapi-principal", principal && encodeURIComponent(principal)],
    ["gssapi-protection", protection?.join(",")],
    ["gssapi-nec", nec && "1"],
  ];
  return `?${values.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`])).join("&")}`;
}

function readValue(source: TextSource, key: Key, value: Slice): ProxyUrlGssapi {
  const text = decodePart(source, value, `value of ${key}`);
  if (/\p{Cc}/u.test(text)) throw mistake(source, CODE, `the value of ${key} has a control character`, value.start);
  switch (key) {
    case "gssapi-service":
      return { service: text };
    case "gssapi-principal":
      return { principal: text };
    case "gssapi-protection":
      return { protection: readProtection(source, text, value) };
    case "gssapi-nec":
      if (text === "1") return { nec: true };
      throw mistake(source, CODE, `expected ${expected(key)} behind ${key}=`, value.start);
  }
}

function readProtection(source: TextSource, text: string, { start }: Slice): readonly ProxyUrlProtection[] {
  const levels = text.split(",").map((name) => PROTECTIONS.find((known) => known === name));
  if (levels.every((level) => level !== undefined) && new Set(levels).size === levels.length) return levels;
  throw mistake(source, CODE, `expected ${expected("gssapi-protection")}`, start);
}

function expected(key: Key): string {
  switch (key) {
    case "gssapi-service":
      return "a service, such as rcmd or socks%40proxy.example.com";
    case "gssapi-principal":
      return "a principal, such as alice";
    case "gssapi-protection":
      return `some of ${PROTECTIONS.join(", ")}, each once, with commas`;
    case "gssapi-nec":
      return "1";
  }
}

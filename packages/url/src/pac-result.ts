import { readHostPort } from "./host-port.ts";
import { type ProxyUrl, createProxyUrl } from "./proxy-url.ts";
import { redactList } from "./redact.ts";
import { type ProxyScheme, defaultPortOf, schemeMeaning } from "./schemes.ts";
import { type Slice, type TextSource, checkLength, mistake } from "./text-source.ts";

/** Longest PAC result that is read, in UTF-16 units. */
export const MAX_PAC_RESULT_LENGTH = 65_536;

/** One alternative that a PAC script offers. They are tried in order. */
export type PacEntry =
  | {
      /** No proxy: the script wrote `DIRECT`. */
      readonly type: "direct";
    }
  | {
      /** A proxy, as a URL of its kind names it. */
      readonly type: "proxy";
      /** The proxy. */
      readonly proxy: ProxyUrl;
    };

/** Choices of {@link parsePacResult}. */
export interface PacOptions {
  /** What a bare `SOCKS` means: 4 (default, as browsers do), `"4a"`, or 5 with names resolved by the proxy. */
  readonly pacSocks?: 4 | "4a" | 5 | undefined;
}

const CODE = "ERR_SOCKS_BAD_PAC_RESULT";
const BARE_SOCKS = { 4: "socks4", "4a": "socks4a", 5: "socks5h" } as const;
const TYPES: ReadonlyMap<string, ProxyScheme> = new Map([
  ["SOCKS4", "socks4"],
  ["SOCKS4A", "socks4a"],
  ["SOCKS5", "socks5h"],
  ["PROXY", "http"],
  ["HTTP", "http"],
  ["HTTPS", "https"],
]);

/**
 * Reads what `FindProxyForURL` returned: entries separated by `;`, each `DIRECT` or a type and `host[:port]`. Types that
 * are not known are skipped. Only a written `DIRECT` is direct.
 *
 * @throws ProxyUrlError `ERR_SOCKS_BAD_PAC_RESULT` when an entry of a known type cannot be read, and when nothing is
 *   left: browsers would go direct there, past the proxy.
 * @example
 * ```ts
 * parsePacResult("SOCKS5 proxy.example:1080; DIRECT").map(({ type }) => type); // ["proxy", "direct"]
 * ```
 */
export function parsePacResult(text: string, options: PacOptions = {}): readonly PacEntry[] {
  const source: TextSource = { text, show: () => redactList(text, ";") };
  checkLength(source, CODE, MAX_PAC_RESULT_LENGTH);
  const entries: PacEntry[] = [];
  let start = 0;
  for (const part of text.split(";")) {
    const entry = readEntry(source, { text: part, start }, options);
    if (entry !== undefined) entries.push(entry);
    start += part.length + 1;
  }
  if (entries.length > 0) return entries;
  throw mistake(source, CODE, 'no usable entry; expected for example "SOCKS5 host:port" or "DIRECT"');
}

function readEntry(source: TextSource, slice: Slice, options: PacOptions): PacEntry | undefined {
  const words = [...slice.text.matchAll(/\S+/g)];
  const [typeWord, hostWord, extraWord] = words;
  if (typeWord === undefined) return undefined;
  const type = typeWord[0].toUpperCase();
  const start = slice.start + typeWord.index;
  if (type === "DIRECT") {
    if (hostWord === undefined) return { type: "direct" };
    throw mistake(source, CODE, "nothing may follow DIRECT", slice.start + hostWord.index);
  }
  const scheme = type === "SOCKS" ? BARE_SOCKS[options.pacSocks ?? 4] : TYPES.get(type);
  if (scheme === undefined) return undefined;
  if (hostWord === undefined || extraWord !== undefined) {
    throw mistake(source, CODE, `expected "${type} host:port"`, start);
  }
  const host = { text: hostWord[0], start: slice.start + hostWord.index };
  if (host.text.includes("@")) throw mistake(source, CODE, "a PAC result carries no user name", host.start);
  const meaning = schemeMeaning(scheme);
  const address = readHostPort(source, host, { code: CODE, defaultPort: defaultPortOf(meaning) });
  return { type: "proxy", proxy: createProxyUrl({ meaning, address, direct: [] }) };
}

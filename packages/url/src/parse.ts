import { readDirectNetworks } from "./direct-networks.ts";
import { readHostPort } from "./host-port.ts";
import { type ProxyUrl, createProxyUrl } from "./proxy-url.ts";
import {
  PROXY_SCHEMES,
  type ProxySchemeMeaning,
  type ProxyUrlOptions,
  chooseMeaning,
  defaultPortOf,
} from "./schemes.ts";
import { type Slice, type TextSource, checkLength, mistake } from "./text-source.ts";

/** Longest proxy URL that is read, in UTF-16 units: two fields of 255 octets, encoded, and a long list of networks. */
export const MAX_PROXY_URL_LENGTH = 8192;

/** Longest user name or password, in octets of UTF-8: what RFC 1929 can carry. */
export const MAX_CREDENTIAL_LENGTH = 255;

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const AUTHORITY_END = /[/?#]/g;
const CODE = "ERR_SOCKS_BAD_PROXY_URL";

/**
 * Reads one proxy URL: `scheme://[user[:password]@]host[:port]`, or the Tectia form with `/network/mask,...` behind it.
 * What each scheme means stands in {@link PROXY_SCHEMES}. A port that is not written is 1080, with `http` 80 and with
 * `https` 443. User name and password are
 * percent-decoded after the split at the first `:`.
 *
 * @throws ProxyUrlError `ERR_SOCKS_UNKNOWN_SCHEME` for any other scheme, `ERR_SOCKS_BAD_PROXY_URL` for all else, also
 *   when the scheme is missing: a text that cannot be read never means a direct connection.
 * @example
 * ```ts
 * parseProxyUrl("socks5h://alice:secret@[2001:db8::1]").address; // { type: "ipv6", host: "2001:db8::1", port: 1080, ... }
 * ```
 */
export function parseProxyUrl(text: string, options: ProxyUrlOptions = {}): ProxyUrl {
  return readProxyUrl({ text }, { text, start: 0 }, options);
}

/** {@link parseProxyUrl} on a part of a longer text. */
export function readProxyUrl(source: TextSource, url: Slice, options: ProxyUrlOptions): ProxyUrl {
  checkLength({ ...source, text: url.text }, CODE, MAX_PROXY_URL_LENGTH);
  const written = SCHEME.exec(url.text);
  if (written === null) throw mistake(source, CODE, noSchemeProblem(url.text), url.start);
  const name = (written[1] ?? "").toLowerCase();
  const meaning = chooseMeaning(name, options);
  if (meaning === undefined) throw mistake(source, "ERR_SOCKS_UNKNOWN_SCHEME", unknownSchemeProblem(name), url.start);
  const length = written[0].length;
  return readAfterScheme(source, { text: url.text.slice(length), start: url.start + length }, meaning);
}

/** Reads what follows `scheme://`. */
export function readAfterScheme(
  source: TextSource,
  rest: Slice,
  meaning: ProxySchemeMeaning,
  defaultPort: number = defaultPortOf(meaning),
): ProxyUrl {
  checkCharacters(source, rest);
  AUTHORITY_END.lastIndex = 0;
  const end = AUTHORITY_END.exec(rest.text)?.index ?? rest.text.length;
  const authority = { text: rest.text.slice(0, end), start: rest.start };
  const path = { text: rest.text.slice(end), start: rest.start + end };
  if (path.text.includes("@")) {
    throw mistake(source, CODE, 'in a user name or password "/", "?" and "#" are written %2F, %3F and %23', path.start);
  }
  const at = authority.text.indexOf("@");
  if (authority.text.includes("@", at + 1) && at !== -1) {
    throw mistake(
      source,
      CODE,
      'there is more than one "@"; in a user name or password it is written %40',
      rest.start + at,
    );
  }
  const credentials =
    at === -1 ? undefined : readUserinfo(source, { text: authority.text.slice(0, at), start: rest.start });
  const hostPort = { text: authority.text.slice(at + 1), start: rest.start + at + 1 };
  const address = readHostPort(source, hostPort, { code: CODE, defaultPort });
  const direct = readDirectNetworks(source, path, meaning);
  if (meaning.protocol === "http" && credentials?.username.includes(":") === true) {
    throw mistake(source, CODE, 'a user name for an HTTP proxy has no ":" (RFC 7617)', rest.start);
  }
  return createProxyUrl({ meaning, address, credentials, direct });
}

function noSchemeProblem(text: string): string {
  return SCHEME.test(text.trimStart())
    ? "starts with white space"
    : 'there is no scheme; expected for example "socks5h://host:port"';
}

function unknownSchemeProblem(name: string): string {
  const known = PROXY_SCHEMES.map(({ scheme }) => scheme).join(", ");
  return `unknown scheme "${name.slice(0, 32)}"; expected one of ${known}`;
}

/** Refuses what no part of a URL can contain: white space and control characters. */
function checkCharacters(source: TextSource, slice: Slice): void {
  const index = slice.text.search(/[\p{Cc}\p{Z}]/u);
  if (index === -1) return;
  throw mistake(source, CODE, "white space and control characters must be percent-encoded", slice.start + index);
}

function readUserinfo(source: TextSource, slice: Slice): { username: string; password: string | undefined } {
  const colon = slice.text.indexOf(":");
  const user = colon === -1 ? slice.text : slice.text.slice(0, colon);
  if (user === "") {
    throw mistake(source, CODE, 'there is no user name before the "@"', slice.start);
  }
  const username = decodePart(source, { text: user, start: slice.start }, "user name");
  if (colon === -1) return { username, password: undefined };
  const password = { text: slice.text.slice(colon + 1), start: slice.start + colon + 1 };
  return { username, password: decodePart(source, password, "password") };
}

/** Percent-decodes a user name or password. The problem never quotes it: it may be the secret. */
function decodePart(source: TextSource, part: Slice, what: string): string {
  const broken = part.text.search(/%(?![0-9a-f]{2})/i);
  if (broken !== -1) {
    const problem = `"%" in the ${what} needs two hexadecimal digits; the sign itself is %25`;
    throw mistake(source, CODE, problem, part.start + broken);
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(part.text);
  } catch {
    // Not kept as the cause: "URI malformed" says less than this.
    throw mistake(source, CODE, `the ${what} is not UTF-8 when decoded`, part.start);
  }
  const problem = credentialProblem(decoded);
  if (problem !== undefined) throw mistake(source, CODE, `the ${what} ${problem}`, part.start);
  return decoded;
}

/** What keeps a text from being a user name or password; the answer does not quote it. */
export function credentialProblem(text: string): string | undefined {
  if (text.includes("\0")) return "contains the octet 00";
  let octetCount: number;
  try {
    octetCount = encodeURIComponent(text).replaceAll(/%../g, "x").length;
  } catch {
    return "contains half of a surrogate pair";
  }
  return octetCount > MAX_CREDENTIAL_LENGTH
    ? `has ${octetCount} octets, at most ${MAX_CREDENTIAL_LENGTH} fit`
    : undefined;
}

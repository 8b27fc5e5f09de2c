import { readDirectNetworks } from "./direct-networks.ts";
import { type ProxyUrlGssapi, readGssapiQuery } from "./gssapi-query.ts";
import { readHostPort } from "./host-port.ts";
import { decodePart } from "./percent.ts";
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
  const mark = path.text.indexOf("?");
  if (path.text.includes("@")) throw mistake(source, CODE, signProblem(path.text), path.start);
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
  const networks = mark === -1 ? path : { ...path, text: path.text.slice(0, mark) };
  const direct = readDirectNetworks(source, networks, meaning);
  const query = mark === -1 ? undefined : { text: path.text.slice(mark + 1), start: path.start + mark + 1 };
  const gssapi = query === undefined ? undefined : readQuery(source, query, meaning);
  if (meaning.protocol === "http" && credentials?.username.includes(":") === true) {
    throw mistake(source, CODE, 'a user name for an HTTP proxy has no ":" (RFC 7617)', rest.start);
  }
  if (gssapi !== undefined && credentials !== undefined) {
    const problem = "a URL with options of GSS-API has no user name: the ticket says who this is";
    throw mistake(source, CODE, problem, rest.start);
  }
  return createProxyUrl({ meaning, address, credentials, direct, gssapi });
}

function readQuery(source: TextSource, query: Slice, meaning: ProxySchemeMeaning): ProxyUrlGssapi {
  const hash = query.text.indexOf("#");
  if (hash !== -1) throw mistake(source, CODE, "a proxy URL has no fragment", query.start + hash);
  return readGssapiQuery(source, query, meaning);
}

/** A password may hold any sign: an "@" behind the host can be the end of one, and is never taken for anything else. */
function signProblem(tail: string): string {
  const inCredentials = 'in a user name or password "/", "?" and "#" are written %2F, %3F and %23';
  return tail.includes("?gssapi-") ? `${inCredentials}, and "@" in an option %40` : inCredentials;
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

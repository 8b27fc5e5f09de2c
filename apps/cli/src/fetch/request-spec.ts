import { validateHeaderName, validateHeaderValue } from "node:http";

import { usageError } from "../cli-error.ts";
import { showArgument } from "../show-argument.ts";

/** One header as it is sent. */
export type Header = readonly [name: string, value: string];

/** A request as the command line asks for it, before it goes to a particular place. */
export interface RequestSpec {
  /** Method, in the case it was written. */
  readonly method: string;
  /** Whether `-X` named the method: then redirects do not change it. */
  readonly isMethodChosen: boolean;
  /** What `-H` says: a value to send, or none to leave a header out. */
  readonly headers: readonly (readonly [name: string, value: string | undefined])[];
  /** The body, when there is one. */
  readonly body: Uint8Array | undefined;
  /** Type of the body when `-H` says nothing about it. */
  readonly bodyType: string;
}

const METHOD = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
/** Methods of which a server wants to know that no body comes, RFC 9110 section 8.6. */
const EXPECTS_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const HOST = /^[a-z]+:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]*)/i;

/**
 * Checks a method.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parseMethod(text: string): string {
  if (METHOD.test(text) && text.toUpperCase() !== "CONNECT") return text;
  throw usageError(`${showArgument(text)} is no method that can be fetched with; expected for example GET or PUT`);
}

/**
 * Reads what `-H` takes: `Name: value`, `Name:` to leave a header out, `Name;` to send an empty one.
 *
 * @throws CliError `ERR_SOCKS_USAGE`; the value, which may be a secret, is not quoted.
 */
export function parseHeader(line: string): readonly [name: string, value: string | undefined] {
  const [, name = "", separator = "", rest = ""] = /^([^:;]*)([:;])(.*)$/s.exec(line) ?? [];
  const value = rest.trim();
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw usageError('a value of -H is no header; expected "Name: value", "Name:" or "Name;"');
  }
  if (separator === ":") return [name, value === "" ? undefined : value];
  if (value === "") return [name, ""];
  throw usageError(`-H "${name};" sends an empty header and takes no value; expected "${name}: value"`);
}

/**
 * Reads a URL: `http` unless it has a scheme.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
export function parseFetchUrl(text: string, base?: URL): URL {
  const absolute = base === undefined && !SCHEME.test(text) ? `http://${text}` : text;
  let url: URL;
  try {
    url = new URL(absolute, base);
  } catch {
    throw usageError(`${quoteUrl(text)} is no URL; expected for example https://example.com/`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw usageError(`${quoteUrl(text)} has the scheme ${url.protocol.slice(0, -1)}; only http and https are fetched`);
  }
  if (credentialsOf(url) === undefined) {
    throw usageError(
      `${quoteUrl(text)}: "%" in a user name or password needs two hexadecimal digits, and UTF-8 as their sum`,
    );
  }
  // URL reads 0x7f.1 as 127.0.0.1. Whoever writes that means to hide it, or does not mean it.
  const written = HOST.exec(absolute)?.[1]?.replace(/\.$/, "");
  if (written !== undefined && /^[\d.]+$/.test(url.hostname) && written !== url.hostname) {
    throw usageError(`${quoteUrl(text)}: "${written}" is neither a host name nor an IP address`);
  }
  return url;
}

/** A URL as it may be shown: without user name and password. */
export function showUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}

/** `user:password` as they are meant; `undefined` when they cannot be decoded. */
function credentialsOf({ username, password }: URL): string | undefined {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    return undefined;
  }
}

function quoteUrl(text: string): string {
  return `"${text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1***@")}"`;
}

/** The headers of a request to `url`, in the order of `curl`. */
export function headersFor(spec: RequestSpec, url: URL, version: string): readonly Header[] {
  const headers: Header[] = [
    ["Host", url.host],
    ["User-Agent", `sockskit/${version}`],
    ["Accept", "*/*"],
  ];
  if (url.username !== "" || url.password !== "") {
    headers.push(["Authorization", `Basic ${Buffer.from(credentialsOf(url) ?? "").toString("base64")}`]);
  }
  if (spec.body !== undefined) {
    headers.push(["Content-Type", spec.bodyType], ["Content-Length", String(spec.body.length)]);
  } else if (EXPECTS_BODY.has(spec.method)) {
    headers.push(["Content-Length", "0"]);
  }
  const isSaid = new Set(spec.headers.map(([name]) => name.toLowerCase()));
  const said = spec.headers.filter((header): header is Header => header[1] !== undefined);
  return [...headers.filter(([name]) => !isSaid.has(name.toLowerCase())), ...said];
}

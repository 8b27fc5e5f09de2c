// The head of an HTTP/1.x message: lines, RFC 9112 sections 2 to 5.

import { WireError, type WireErrorCode } from "../errors.ts";

/** Most octets of a head, with the empty line at its end, that are sent, and taken unless told otherwise. */
export const MAX_HTTP_HEAD_LENGTH = 0x4000;
/** Most header lines of a head that are sent and taken. */
export const MAX_HTTP_HEADER_COUNT = 100;

/** A header line, RFC 9110 section 5. */
export interface HttpHeader {
  /** Name in its own spelling; letter case means nothing. */
  readonly name: string;
  /** Value without white space around it. Each character is one octet (ISO 8859-1), as the RFC has it. */
  readonly value: string;
}

/** Limit of the decoders of HTTP heads. */
export interface HttpHeadLimits {
  /** Most octets of the head. Default: 16384. */
  readonly maxLength?: number;
}

/** Version of HTTP in a head. */
export type HttpVersion = "HTTP/1.0" | "HTTP/1.1";

/** A whole head: its first line, its headers, its length. */
export interface Head {
  readonly startLine: string;
  readonly headers: readonly HttpHeader[];
  readonly byteLength: number;
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The head that begins at `offset`; `undefined` while its empty line is not there.
 *
 * Strict where readers that differ have been played off against each other: a line ends with CR and LF, neither
 * of which stands alone; no folded lines; no white space before the colon. Line ends and lengths are judged at
 * once, what the lines say when the head is whole: a peer that sends single octets must not cost more.
 */
export function decodeHead(bytes: Uint8Array, offset: number, limits: HttpHeadLimits | undefined): Head | undefined {
  const end = findEnd(bytes, offset, limits?.maxLength ?? MAX_HTTP_HEAD_LENGTH);
  if (end < 0) return undefined;
  const [startLine = "", ...lines] = textOf(bytes, offset, end - 4).split("\r\n");
  return { startLine, headers: lines.map(parseHeader), byteLength: end - offset };
}

/** The octets of a head. Throws for lines that would read otherwise than they were meant. */
export function encodeHead(startLine: string, headers: readonly HttpHeader[]): Uint8Array {
  let text = `${startLine}\r\n`;
  for (const { name, value } of headers) {
    if (!NAME.test(name))
      throw unsayable(`the name of header ${headers.findIndex((h) => h.name === name) + 1} is none`);
    // The value may hold a password: it is not quoted.
    if (!VALUE.test(value) || trimmed(value, 0) !== value) {
      throw unsayable(`the value of header ${name} has control characters, or white space around it`);
    }
    text += `${name}: ${value}\r\n`;
  }
  text += "\r\n";
  if (headers.length > MAX_HTTP_HEADER_COUNT) {
    throw unsayable(`there are ${headers.length} headers; at most 100 are sent`, "ERR_SOCKS_OVERFLOW");
  }
  if (text.length > MAX_HTTP_HEAD_LENGTH) {
    throw unsayable(`the head has ${text.length} octets; at most 16384 are sent`, "ERR_SOCKS_OVERFLOW");
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Throws unless what has arrived of `expected` is right: tells another protocol at its first octets. */
export function checkBeginning(bytes: Uint8Array, offset: number, expected: string, what: string): void {
  for (let i = 0; i < expected.length && offset + i < bytes.length; i++) {
    if (bytes[offset + i] !== expected.charCodeAt(i)) {
      throw bad(`the ${what} does not begin with "${expected}": this is not HTTP/1`, "ERR_SOCKS_BAD_VERSION");
    }
  }
}

/** The error for what a peer sent. */
export function bad(message: string, code: WireErrorCode = "ERR_SOCKS_BAD_FIELD"): WireError {
  return new WireError(code, message, { side: "remote" });
}

/** The error for what cannot be sent. */
export function unsayable(message: string, code: WireErrorCode = "ERR_SOCKS_BAD_FIELD"): WireError {
  return new WireError(code, message, { side: "local" });
}

/** Index after the empty line, or -1 while it is not there. */
function findEnd(bytes: Uint8Array, offset: number, maxLength: number): number {
  let lineStart = offset;
  // The start line, the headers, the empty line.
  for (let lines = 0; lines < 1 + MAX_HTTP_HEADER_COUNT + 1; lines++) {
    const lf = bytes.indexOf(0x0a, lineStart);
    const length = (lf < 0 ? bytes.length : lf + 1) - offset;
    // Negated, so that a limit that is not a number lets nothing through instead of everything.
    if (!(lf < 0 ? length < maxLength : length <= maxLength)) {
      throw bad(`the head of the HTTP message has more than ${maxLength} octets`, "ERR_SOCKS_OVERFLOW");
    }
    if (lf < 0) return -1;
    if (lf === lineStart || bytes[lf - 1] !== 0x0d) throw bad("a line of the HTTP message ends with LF alone");
    if (lf - lineStart === 1) {
      if (lines === 0) throw bad("the HTTP message begins with an empty line");
      return lf + 1;
    }
    lineStart = lf + 1;
  }
  throw bad(`the HTTP message has more than ${MAX_HTTP_HEADER_COUNT} headers`, "ERR_SOCKS_OVERFLOW");
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

function parseHeader(line: string): HttpHeader {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!NAME.test(name)) throw bad("a header line of the HTTP message does not begin with a name and a colon");
  const value = trimmed(line, colon + 1);
  if (!VALUE.test(value)) throw bad(`the value of header ${name} has control characters`);
  return { name, value };
}

/** The text from `from` on without spaces and tabs at its ends; a regular expression would take quadratic time. */
function trimmed(text: string, from: number): string {
  let start = from;
  let end = text.length;
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++;
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

import type { Decoded } from "@sockskit/wire";
import { IdentError } from "../errors.ts";

/** Longest line, its end included: what RFC 1413 section 4 lets an asker give up after. */
export const MAX_IDENT_LINE_LENGTH = 1000;
/** Longest operating system, charset and error type: RFC 1413 section 5. */
export const MAX_TOKEN_LENGTH = 64;
/** Digits of a port: RFC 1413 section 5. */
const MAX_PORT_DIGITS = 5;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const DELETE = 0x7f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/**
 * Decodes one line that `read` understands. It may end in LF alone.
 *
 * @returns `undefined` while the line is incomplete and can still become valid.
 * @throws IdentError `ERR_SOCKS_BAD_IDENT`, `ERR_SOCKS_OVERFLOW`.
 */
export function decodeLine<T>(
  bytes: Uint8Array,
  offset: number,
  read: (scanner: LineScanner) => T | undefined,
): Decoded<T> | undefined {
  const limit = Math.min(bytes.length, offset + MAX_IDENT_LINE_LENGTH);
  const found = bytes.indexOf(LF, offset);
  const isWhole = found !== -1 && found < limit;
  let end = isWhole ? found : limit;
  // Of a line whose end is not here yet, the last octet may be the first half of it.
  if (end > offset && bytes[end - 1] === CR) end -= 1;
  const value = read(new LineScanner(bytes, offset, end, isWhole));
  if (!isWhole) {
    if (limit < offset + MAX_IDENT_LINE_LENGTH) return undefined;
    const message = `the line has no end within ${MAX_IDENT_LINE_LENGTH} octets`;
    throw new IdentError("ERR_SOCKS_OVERFLOW", message, { side: "remote" });
  }
  if (value === undefined) throw badLine("the line ends too early");
  return { value, byteLength: found + 1 - offset };
}

/** Reads a line from the left. Every verb gives `undefined` when the octets end before it knows. */
export class LineScanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #isWhole: boolean;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number, isWhole: boolean) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isWhole = isWhole;
  }

  /** A number of one to five digits, with white space on both sides. */
  port(): number | undefined {
    this.#skipBlanks();
    const start = this.#at;
    let value = 0;
    for (; this.#at < this.#end; this.#at++) {
      const octet = this.#bytes[this.#at] as number;
      if (octet < DIGIT_0 || octet > DIGIT_9) break;
      value = value * 10 + octet - DIGIT_0;
      if (this.#at - start >= MAX_PORT_DIGITS) throw badLine(`a port has more than ${MAX_PORT_DIGITS} digits`);
    }
    if (this.#at === this.#end && (!this.#isWhole || this.#at === start)) return undefined;
    if (this.#at === start) throw badLine("expected a port as one to five digits");
    this.#skipBlanks();
    return value;
  }

  /** One octet that must come next. */
  mark(text: ":" | ","): true | undefined {
    if (this.#at === this.#end) return undefined;
    if (this.#bytes[this.#at] !== text.charCodeAt(0)) throw badLine(`expected "${text}"`);
    this.#at += 1;
    return true;
  }

  /** Printable ASCII up to a colon or the end of the line, without the white space around it; a tab inside is a space. */
  field(maxLength: number): string | undefined {
    this.#skipBlanks();
    let text = "";
    for (; this.#at < this.#end; this.#at++) {
      const octet = this.#bytes[this.#at] as number;
      if (octet === COLON) break;
      if (!isBlank(octet) && (octet < SPACE || octet >= DELETE))
        throw badLine("a keyword has an octet that is no ASCII");
      text += octet === TAB ? " " : String.fromCharCode(octet);
      if (text.trimEnd().length > maxLength) throw badLine(`a keyword has more than ${maxLength} characters`);
    }
    if (this.#at === this.#end && !this.#isWhole) return undefined;
    const trimmed = text.trimEnd();
    if (trimmed === "" && this.#at < this.#end) throw badLine("a keyword is empty");
    return trimmed === "" ? undefined : trimmed;
  }

  /** Everything that is left of the line. */
  rest(maxLength: number): Uint8Array | undefined {
    // A copy, also of a Buffer, whose slice() is a view.
    const rest = new Uint8Array(this.#bytes.subarray(this.#at, this.#end));
    const control = rest.find((octet) => isControl(octet));
    if (control !== undefined)
      throw badLine(`the user id has the control octet 0x${control.toString(16).padStart(2, "0")}`);
    if (rest.length > maxLength) throw badLine(`the user id has more than ${maxLength} octets`);
    if (!this.#isWhole || rest.length === 0) return undefined;
    return rest;
  }

  /** Nothing but white space may be left. */
  end(): true | undefined {
    this.#skipBlanks();
    if (this.#at < this.#end) throw badLine("expected the end of the line");
    return this.#isWhole ? true : undefined;
  }

  #skipBlanks(): void {
    while (this.#at < this.#end && isBlank(this.#bytes[this.#at] as number)) this.#at += 1;
  }
}

/** Whether an octet is white space of RFC 1413: space or tab. */
export function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

/** Whether an octet is a control that no user id may have here. */
export function isControl(octet: number): boolean {
  return (octet < SPACE && octet !== TAB) || octet === DELETE;
}

function badLine(problem: string): IdentError {
  return new IdentError("ERR_SOCKS_BAD_IDENT", `not a line of RFC 1413: ${problem}`, { side: "remote" });
}

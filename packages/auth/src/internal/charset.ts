// Text in CHAP and CRAM: the attribute CHARSET names its encoding, for one direction and until the next one.

/** Most characters of a peer's text that are shown. */
const MAX_SHOWN_LENGTH = 1000;

/** White space, and what no text for a person may hold: control, format, unassigned, private characters. */
const UNFIT = /[\s\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** Encodings that are understood; every other name counts as ASCII. */
export type Charset = "us-ascii" | "iso-8859-1" | "utf-8";

/** The encoding that a CHARSET attribute names; `initial` when there is none. */
export function charsetOf(attribute: Uint8Array | undefined, initial: Charset): Charset {
  if (attribute === undefined) return initial;
  const name = String.fromCharCode(...attribute).toLowerCase();
  return name === "utf-8" || name === "iso-8859-1" ? name : "us-ascii";
}

/** The text in octets; what is no character of the encoding becomes U+FFFD. */
export function decodeText(octets: Uint8Array, charset: Charset): string {
  if (charset === "utf-8") return new TextDecoder().decode(octets);
  let text = "";
  for (const octet of octets) text += octet < 0x80 || charset === "iso-8859-1" ? String.fromCharCode(octet) : "\ufffd";
  return text;
}

/** `CHARSET` for fields in UTF-8; `undefined` where all are ASCII, which every reader understands without it. */
export function charsetFor(...fields: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  const isAscii = fields.every((field) => field === undefined || field.every((octet) => octet < 0x80));
  return isAscii ? undefined : Uint8Array.from("UTF-8", (character) => character.charCodeAt(0));
}

/** A peer's text, made fit for a terminal, a log and a page: one line, nothing that could pose as something else. */
export function displayText(octets: Uint8Array, charset: Charset): string {
  const text = decodeText(octets, charset).replaceAll(UNFIT, " ").trim();
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text;
}

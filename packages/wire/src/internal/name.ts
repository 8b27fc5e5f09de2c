// Domain names: what may travel in a name field, and how a name gets there.

import { quote } from "./quote.ts";

/** Longest name in characters, RFC 1035 section 2.3.4: 255 octets with length octets and root are 253 as text. */
const MAX_NAME_LENGTH = 253;
/** Longest label of a name in characters, RFC 1035 section 2.3.4. */
const MAX_LABEL_LENGTH = 63;

/** Longest text that is tried as a name: conversion to A-labels takes time that grows with the square of the length. */
const MAX_TEXT_LENGTH = 4 * MAX_NAME_LENGTH;

/** The name in its canonical form, or what is wrong with it. */
export type NameResult = { readonly name: string } | { readonly problem: string };

/**
 * Brings a name into the one form in which it is compared, sent and looked up: ASCII, non-ASCII
 * labels as A-labels, lower case, without the trailing dot.
 */
export function canonicalName(text: string): NameResult {
  if (text.length > MAX_TEXT_LENGTH) return { problem: `${quote(text)} is too long for a host name` };
  let ascii = text;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) {
      const converted = toAscii(text);
      if (converted === undefined) return { problem: `${quote(text)} has no ASCII form (IDNA)` };
      ascii = converted;
      break;
    }
  }
  const problem = nameProblem(ascii);
  if (problem !== undefined) return { problem: `${quote(text)} ${problem}` };
  const end = ascii.endsWith(".") ? ascii.length - 1 : ascii.length;
  return { name: ascii.slice(0, end).toLowerCase() };
}

/** Why `name`, with or without a trailing dot, is none; `undefined` when it is one. */
function nameProblem(name: string): string | undefined {
  const length = name.endsWith(".") ? name.length - 1 : name.length;
  if (length <= 0) return "is empty; expected a host name";
  if (length > MAX_NAME_LENGTH) return `has ${length} characters; a host name has at most ${MAX_NAME_LENGTH}`;
  let labelStart = 0;
  for (let i = 0; i <= length; i++) {
    if (i < length && name.charCodeAt(i) !== 0x2e) {
      if (!isNameCharacter(name.charCodeAt(i))) {
        return `contains ${quote(name[i] as string)}; a host name consists of letters, digits, "-", "_" and "."`;
      }
      continue;
    }
    if (i === labelStart) return "has an empty label";
    if (i - labelStart > MAX_LABEL_LENGTH) return `has a label of more than ${MAX_LABEL_LENGTH} characters`;
    if (i < length) labelStart = i + 1;
  }
  if (looksNumeric(name.slice(labelStart, length))) {
    return "is neither a host name nor an IP address in its usual form (four decimal numbers without leading zeros)";
  }
  return undefined;
}

/**
 * Whether the last label says that some software would read the whole name as an IPv4 address:
 * `127.1`, `2130706433`, `0x7f.1`, `1.2.3.04`. The test of the WHATWG URL standard ("ends in a number").
 */
function looksNumeric(lastLabel: string): boolean {
  return /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/.test(lastLabel);
}

/** ASCII form of a name with non-ASCII characters by UTS 46, as WHATWG URL gives it. */
function toAscii(text: string): string | undefined {
  // Only what can be a name reaches the URL parser: no ASCII delimiter, no percent sign, no white
  // space, so that it has nothing to interpret but the host. Nor a character that stands for one
  // (a full-width "%"), which UTS 46 maps and some parsers then interpret.
  if (!isNameText(text) || !isNameText(text.normalize("NFKC"))) return undefined;
  // What else becomes of it (a full-width "0x7f.1" is 127.0.0.1 now) the caller checks.
  try {
    return new URL(`http://${text}`).hostname;
  } catch {
    return undefined;
  }
}

/** Whether every ASCII character is one of a name. */
function isNameText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80 && code !== 0x2e && !isNameCharacter(code)) return false;
  }
  return true;
}

function isNameCharacter(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d /* - */ || code === 0x5f /* _ */
  );
}

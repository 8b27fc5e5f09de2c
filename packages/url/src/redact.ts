import { PROXY_SCHEMES } from "./schemes.ts";

/** Longest text, in UTF-16 units, that an error shows of its input. */
const MAX_SHOWN_LENGTH = 200;

/** What stands where a secret was. */
export const REDACTED = "***";

// A chain is redacted entry by entry. The look-ahead reads at most to the next white space, so this stays linear.
const NEXT_ENTRY = /\s(?=[a-z][a-z0-9+.-]*:\/\/)/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Schemes that may be shown wherever they stand; anything else after a separator may be a part of a password. */
const KNOWN_SCHEMES: ReadonlySet<string> = new Set(PROXY_SCHEMES.map(({ scheme }) => scheme));
const HOST = /^(?:\[[^\]]*\]|[^:/?#]*)/;
/** A port and a list of networks: nothing that a password could hide in, letters beyond hexadecimal excluded. */
const HARMLESS_TAIL = /^(?::\d{0,5})?(?:\/[0-9a-f.:,/[\]]*)?$/i;
/** Characters that would let a text forge log lines or repaint a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Hides every secret in a text that is, or was meant to be, a proxy URL or a chain of them. It never throws, and works
 * on text that does not parse: everything before the last `@` of an entry goes, and so does what follows the host when it
 * is not a port or a list of networks. Characters that control a terminal are escaped, and the result is cut to 200
 * characters.
 *
 * @example
 * ```ts
 * redactProxyUrl("socks5://alice:secret@proxy.example:1080"); // "socks5://***@proxy.example:1080"
 * ```
 */
export function redactProxyUrl(text: string): string {
  return printable(text.split(NEXT_ENTRY).map(redactEntry).join(" "));
}

/** {@link redactProxyUrl} for a list whose entries are parted by `separator`. */
export function redactList(text: string, separator: string): string {
  const parts = text.split(separator).map((part, index) => {
    const entries = part.split(NEXT_ENTRY);
    return entries.map((entry, position) => redactEntry(entry, index + position)).join(" ");
  });
  return printable(parts.join(separator));
}

/** @param position - 0 for the first entry, with nothing before it that could be the first half of a password. */
function redactEntry(entry: string, position: number): string {
  const scheme = SCHEME.exec(entry)?.[0] ?? "";
  const at = entry.lastIndexOf("@");
  const isTrusted = position === 0 || scheme === "" || KNOWN_SCHEMES.has(scheme.slice(0, -3).toLowerCase());
  // Without an "@" even what looks like its host may belong to a password that goes on in the next entry.
  if (!isTrusted && at < scheme.length) return `${REDACTED}://${REDACTED}`;
  const rest = entry.slice(at < scheme.length ? scheme.length : at + 1);
  const host = HOST.exec(rest)?.[0] ?? "";
  const tail = rest.slice(host.length);
  const shownTail = HARMLESS_TAIL.test(tail) ? tail : tail.slice(0, 1) + REDACTED;
  // No host has a "%" outside brackets: this one is something else, perhaps credentials encoded once too often.
  const shownHost = host.includes("%") && !host.startsWith("[") ? REDACTED : host;
  const shownScheme = isTrusted ? scheme : `${REDACTED}://`;
  return `${shownScheme}${at < scheme.length ? "" : `${REDACTED}@`}${shownHost}${shownTail}`;
}

/** Escapes what would disturb a log or a terminal, and cuts the text to {@link MAX_SHOWN_LENGTH}. */
export function printable(text: string): string {
  const cut = text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text;
  return cut.replaceAll(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

// Controls, separators of lines, bidirectional marks and overrides, other invisible format characters.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const EVERY_HIDDEN = new RegExp(HIDDEN, "gu");

/** The first character of a text that cannot be seen, as `U+000A`. */
export function hiddenCharacter(text: string): string | undefined {
  const found = HIDDEN.exec(text);
  return found === null ? undefined : codePoint(found[0], "U+");
}

/** Text that a peer chose, made safe to print: one line, nothing invisible, at most 256 characters. */
export function printable(octets: Uint8Array): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("utf8").slice(0, 256);
  return text.replace(EVERY_HIDDEN, (character) => codePoint(character, "\\u{") + "}");
}

function codePoint(character: string, prefix: string): string {
  return prefix + (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

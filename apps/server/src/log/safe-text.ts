/*
 * What a peer chose (names, user ids) and what stands in a file ends up on
 * terminals and in log viewers. Controls (among them CR, LF and the escape that
 * begins a terminal sequence), separators of lines and the invisible format
 * characters (among them the marks that turn the writing direction) are written
 * as escapes that JSON reads back.
 */
const PLAIN = /^[\x20-\x7e]*$/;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The same text on one line, with nothing invisible in it. */
export function safeText(text: string): string {
  // Nearly every line is plain, and that is found out much faster.
  return PLAIN.test(text) ? text : text.replace(HIDDEN, escapeOf);
}

function escapeOf(character: string): string {
  let escaped = "";
  for (let index = 0; index < character.length; index++) {
    escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}

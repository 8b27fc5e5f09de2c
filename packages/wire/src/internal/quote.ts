const MAX_QUOTED_LENGTH = 100;

/**
 * Text in double quotes, fit for an error message: whatever a terminal, a log or a reader could
 * mistake for something else is escaped, long text is cut, and user information before an `@`
 * (somebody may have passed a whole URL) is left out.
 */
export function quote(text: string): string {
  const at = text.lastIndexOf("@");
  const shown = at < 1 ? text : `***${text.slice(at)}`;
  let quoted = "";
  for (let i = 0; i < shown.length && i < MAX_QUOTED_LENGTH; i++) {
    const unit = shown.charCodeAt(i);
    const plain = unit >= 0x20 && unit <= 0x7e && unit !== 0x22 && unit !== 0x5c;
    quoted += plain ? shown[i] : `\\u${unit.toString(16).padStart(4, "0")}`;
  }
  return shown.length > MAX_QUOTED_LENGTH ? `"${quoted}..."` : `"${quoted}"`;
}

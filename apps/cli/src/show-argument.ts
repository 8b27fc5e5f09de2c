/**
 * An argument as a message may quote it: not at all when it could be a proxy URL or `name:password` in the wrong place.
 * A colon with nothing behind it hides nothing.
 */
export function showArgument(text: string): string {
  return /@|:./su.test(text) ? '"***"' : `"${text}"`;
}

/** A word that is no option and no command, as a message may quote it: an option without what was given to it. */
export function showUnknownWord(word: string): string {
  // "-us3cret" is "-u" with a value.
  const name = word.startsWith("--") ? word.split("=", 1)[0] : word.startsWith("-") ? word.slice(0, 2) : word;
  return /[@:]/.test(name ?? "") ? "***" : (name ?? "");
}

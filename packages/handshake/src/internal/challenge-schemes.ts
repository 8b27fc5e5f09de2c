import type { HttpHeader } from "@sockskit/wire";

/** Most schemes that an error names. */
const MAX_SCHEME_COUNT = 8;
/** Longest name of one that is shown. */
const MAX_SCHEME_LENGTH = 32;

/** The name of a scheme, alone or before its parameters; what stands before an equals sign is a parameter. */
const SCHEME = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+(?![ \t=])|[ \t]*$)/;

/** The authentication schemes that a proxy offers with status 407, in its spelling: RFC 9110 section 11.7.1. */
export function challengeSchemes(headers: readonly HttpHeader[]): readonly string[] {
  const schemes = new Set<string>();
  for (const { name, value } of headers) {
    if (name.toLowerCase() !== "proxy-authenticate") continue;
    for (const element of elementsOf(value)) {
      const scheme = SCHEME.exec(element)?.[1];
      if (scheme !== undefined && schemes.size < MAX_SCHEME_COUNT) schemes.add(scheme.slice(0, MAX_SCHEME_LENGTH));
    }
  }
  return [...schemes];
}

/** The elements of a list, of which a comma inside quotes ends none; in time proportional to its length. */
function elementsOf(list: string): readonly string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < list.length; i++) {
    const character = list[i];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === "\\" && isQuoted) i += 1;
    else if (character === "," && !isQuoted) {
      elements.push(list.slice(start, i));
      start = i + 1;
    }
  }
  elements.push(list.slice(start));
  return elements;
}

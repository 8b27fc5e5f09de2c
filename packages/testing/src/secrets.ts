import assert from "node:assert/strict";
import { inspect } from "node:util";

/**
 * Checks that no secret can be read off a value: not by `inspect` (hidden properties and getters
 * included), JSON, `String`, nor from the message, stack and cause of an error; neither as text nor
 * percent-encoded, in hexadecimal, in base64 or as a list of octets.
 *
 * Choose secrets that occur nowhere else, of 8 characters or more.
 */
export function checkNoSecrets(value: unknown, secrets: readonly string[]): void {
  // Long lists of octets are shown in padded columns: white space does not count.
  const texts = Array.from(exposures(value), ([where, text]) => [where, text.replaceAll(/\s+/g, " ")] as const);
  for (const secret of secrets) {
    assert.ok(Buffer.byteLength(secret) >= 8, "a short secret occurs by chance; use 8 octets or more");
    for (const form of formsOf(secret)) {
      for (const [where, text] of texts) {
        assert.ok(!text.toLowerCase().includes(form.toLowerCase()), `a secret can be read in ${where}`);
      }
    }
  }
}

function* exposures(value: unknown): Generator<readonly [where: string, text: string]> {
  const seen = new Set<unknown>();
  const open = [value];
  while (open.length > 0) {
    const current = open.pop();
    if (seen.has(current)) continue;
    seen.add(current);
    const all = { showHidden: true, depth: Infinity, maxArrayLength: null, maxStringLength: null } as const;
    yield ["inspect", inspect(current, all)];
    yield ["inspect with getters", inspect(current, { ...all, getters: true, customInspect: false })];
    yield ["JSON", json(current)];
    yield ["String", text(current)];
    if (!(current instanceof Error)) continue;
    yield ["message", current.message];
    yield ["stack", String(current.stack)];
    open.push(current.cause);
    if (current instanceof AggregateError) open.push(...(current.errors as unknown[]));
  }
}

/** As it stands, and in the forms in which octets and URLs show it. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const pairs = Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0"));
  return [
    secret,
    encodeURIComponent(secret),
    pairs.map((pair) => `%${pair}`).join(""),
    pairs.join(""),
    pairs.join(" "),
    [...bytes].join(","),
    [...bytes].join(", "),
    // Without the last group of four, which depends on what follows.
    bytes.toString("base64").slice(0, -4),
  ];
}

function json(value: unknown): string {
  const seen = new Set<unknown>();
  const result: string | undefined = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "bigint") return String(inner);
    if (typeof inner !== "object" || inner === null) return inner;
    if (seen.has(inner)) return undefined;
    seen.add(inner);
    return inner;
  });
  return result ?? "";
}

function text(value: unknown): string {
  try {
    return String(value);
  } catch {
    return ""; // An object without a prototype has no text.
  }
}

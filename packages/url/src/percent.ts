import { type Slice, type TextSource, mistake } from "./text-source.ts";

/** Longest user name or password, in octets of UTF-8: what RFC 1929 can carry. */
export const MAX_CREDENTIAL_LENGTH = 255;

const CODE = "ERR_SOCKS_BAD_PROXY_URL";

/** Percent-decodes a user name, a password or an option. The problem never quotes it: it may be the secret. */
export function decodePart(source: TextSource, part: Slice, what: string): string {
  const broken = part.text.search(/%(?![0-9a-f]{2})/i);
  if (broken !== -1) {
    const problem = `"%" in the ${what} needs two hexadecimal digits; the sign itself is %25`;
    throw mistake(source, CODE, problem, part.start + broken);
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(part.text);
  } catch {
    // Not kept as the cause: "URI malformed" says less than this.
    throw mistake(source, CODE, `the ${what} is not UTF-8 when decoded`, part.start);
  }
  const problem = credentialProblem(decoded);
  if (problem !== undefined) throw mistake(source, CODE, `the ${what} ${problem}`, part.start);
  return decoded;
}

/** What keeps a text from being a user name or password; the answer does not quote it. */
export function credentialProblem(text: string): string | undefined {
  if (text.includes("\0")) return "contains the octet 00";
  let octetCount: number;
  try {
    octetCount = encodeURIComponent(text).replaceAll(/%../g, "x").length;
  } catch {
    return "contains half of a surrogate pair";
  }
  return octetCount > MAX_CREDENTIAL_LENGTH
    ? `has ${octetCount} octets, at most ${MAX_CREDENTIAL_LENGTH} fit`
    : undefined;
}

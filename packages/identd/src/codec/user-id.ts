import { isBlank } from "./line.ts";
import type { IdentUserReply } from "./reply.ts";

/** Controls, separators of lines, marks that turn the writing direction, and whatever else cannot be seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * The user id of an answer without the blanks at both ends, as it is to be compared: nearly every daemon puts a blank
 * in front of it that is meant to separate, though RFC 1413 counts it in. A view of `userId`.
 */
export function trimUserId(userId: Uint8Array): Uint8Array {
  let start = 0;
  let end = userId.length;
  while (start < end && isBlank(userId[start] as number)) start += 1;
  while (end > start && isBlank(userId[end - 1] as number)) end -= 1;
  return userId.subarray(start, end);
}

/**
 * The user id of an answer as text for people and logs, without the blanks at both ends. Octets that the charset does
 * not know, and text with anything invisible in it, are shown in hexadecimal: `0x66726564`. Never compare by it.
 */
export function userIdText({ userId, charset }: Pick<IdentUserReply, "userId" | "charset">): string {
  const trimmed = trimUserId(userId);
  const text = decode(trimmed, charset ?? "US-ASCII");
  if (text !== undefined && !HIDDEN.test(text)) return text;
  let hex = "0x";
  for (const octet of trimmed) hex += octet.toString(16).padStart(2, "0");
  return hex;
}

function decode(octets: Uint8Array, charset: string): string | undefined {
  // Daemons that say nothing mean the system's encoding, and that is UTF-8.
  const label = /^(us-)?ascii$/i.test(charset) ? "utf-8" : charset;
  try {
    return new TextDecoder(label, { fatal: true }).decode(octets);
  } catch {
    return undefined;
  }
}

import { METHOD } from "@sockskit/wire";

const METHOD_TEXT: Readonly<Record<number, string>> = {
  [METHOD.noAuthenticationRequired]: "no authentication",
  [METHOD.gssapi]: "GSS-API",
  [METHOD.usernamePassword]: "user name/password",
  [METHOD.challengeHandshakeAuthenticationProtocol]: "CHAP",
  [METHOD.challengeResponseAuthenticationMethod]: "CRAM",
  [METHOD.secureSocketsLayer]: "SSL",
  [METHOD.ndsAuthentication]: "Novell NDS",
  [METHOD.multiAuthenticationFramework]: "MAF",
};

/** Writes an octet the way the specifications do: `0x05`. */
export function formatOctet(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

/** Writes a method for a person: `user name/password (0x02)`. */
export function formatMethod(method: number): string {
  const text = METHOD_TEXT[method];
  return text === undefined ? formatOctet(method) : `${text} (${formatOctet(method)})`;
}

/** Writes a list of methods for a person; a long one, which may come from a peer, is cut. */
export function formatMethods(methods: Iterable<number>): string {
  const distinct = [...new Set(methods)];
  if (distinct.length === 0) return "no method at all";
  const shown = distinct.slice(0, 8).map(formatMethod).join(", ");
  return distinct.length > 8 ? `${shown} and ${distinct.length - 8} more` : shown;
}

/** Longest text of a peer that is shown, in characters. */
const MAX_SHOWN_LENGTH = 80;

/** A text of a peer, one character for each octet, fit for messages: what is not plain ASCII becomes a question mark. */
export function printableText(text: string): string {
  const shown = text.replaceAll(/[^\x20-\x7e]/g, "?");
  return shown.length > MAX_SHOWN_LENGTH ? `${shown.slice(0, MAX_SHOWN_LENGTH)}...` : shown;
}

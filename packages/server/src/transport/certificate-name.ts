import type { X509Certificate } from "node:crypto";
import { hiddenCharacter } from "../printable.ts";

/** Longest name that a certificate gives: as long as a user name of RFC 1929. */
const MAX_CERTIFICATE_NAME_LENGTH = 255;

/**
 * The user that a client certificate names: the one common name (CN) of its subject. `undefined` when it has none, more
 * than one, or one that could not be written in a rule: empty, longer than 255 octets, or with an invisible character.
 */
export function certificateName(certificate: X509Certificate): string | undefined {
  // The text form of a subject can be forged by a name with line breaks in it; this one is taken apart by the TLS library.
  const { subject } = certificate.toLegacyObject() as {
    readonly subject?: { readonly CN?: string | readonly string[] };
  };
  const name = subject?.CN;
  if (typeof name !== "string" || name === "" || hiddenCharacter(name) !== undefined) return undefined;
  return Buffer.byteLength(name) > MAX_CERTIFICATE_NAME_LENGTH ? undefined : name;
}

import { hiddenCharacter } from "../printable.ts";
import type { SessionUser } from "../session/session-record.ts";

/** A user id as a name that rules can have; `undefined` when it is none that could be written there. */
export function userNameOf(octets: Uint8Array): string | undefined {
  try {
    const name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
    return name === "" || hiddenCharacter(name) !== undefined ? undefined : name;
  } catch {
    return undefined;
  }
}

/** A SOCKS 4 user id as a user, where such claims are believed. */
export function claimedUser(userId: Uint8Array | undefined): SessionUser | undefined {
  const name = userId === undefined ? undefined : userNameOf(userId);
  return name === undefined ? undefined : { name, groups: [], authenticated: false };
}

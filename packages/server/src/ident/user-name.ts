import { hiddenCharacter } from "../printable.ts";

/** A user id as a name that rules can have; `undefined` when it is none that could be written there. */
export function userNameOf(octets: Uint8Array): string | undefined {
  try {
    const name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
    return name === "" || hiddenCharacter(name) !== undefined ? undefined : name;
  } catch {
    return undefined;
  }
}

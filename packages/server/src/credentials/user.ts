import { hiddenCharacter } from "../printable.ts";
import { ServerError } from "../errors.ts";

/** A password as it is, where a hash could stand. */
export interface PlainPassword {
  /** The password: 0 to 255 octets of UTF-8. */
  readonly plain: string;
}

/** A user of the built-in store. */
export interface UserConfig {
  /** Name: 1 to 255 octets of UTF-8, without control characters. */
  readonly name: string;
  /**
   * Hash of the password in PHC string format (see {@link hashPassword}), or the password itself, of which the
   * server keeps a keyed digest only.
   */
  readonly password: string | PlainPassword;
  /** Groups that rules can name. Default: none. */
  readonly groups?: readonly string[];
}

/** Longest user name and longest password in octets: `ULEN` and `PLEN` are one octet, RFC 1929 section 2. */
export const MAX_CREDENTIAL_LENGTH = 255;

/** What keeps a text from being a user name, as the end of a sentence. */
export function userNameProblem(name: unknown): string | undefined {
  if (typeof name !== "string" || name === "") return "is empty; expected 1 to 255 octets of UTF-8";
  if (Buffer.byteLength(name) > MAX_CREDENTIAL_LENGTH) return `is longer than ${MAX_CREDENTIAL_LENGTH} octets of UTF-8`;
  const hidden = hiddenCharacter(name);
  return hidden === undefined ? undefined : `has the invisible character ${hidden}`;
}

/** @throws ServerError `ERR_SOCKS_BAD_OPTION` when the name cannot be one. */
export function checkUserName(name: unknown, path: readonly (string | number)[]): void {
  const problem = userNameProblem(name);
  if (problem !== undefined) throw new ServerError("ERR_SOCKS_BAD_OPTION", `the user name ${problem}`, { path });
}

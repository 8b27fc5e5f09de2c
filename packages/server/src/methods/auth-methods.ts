import { randomBytes } from "node:crypto";
import {
  AuthError,
  chapServer,
  cramServer,
  mafServer,
  type MafServerOptions,
  noneServer,
  type ServerAuthMethod,
  userPassServer,
} from "@sockskit/auth";
import { badOption, type OptionPath } from "../errors.ts";
import type { AuthMethodName, ServerOptions } from "../options.ts";

/** Every method that a server can be told to take. */
export const METHOD_NAMES: readonly AuthMethodName[] = ["none", "userpass", "chap", "cram", "maf"];

/** draft-ietf-aft-socks-chap-01 says nothing; 32 octets cannot be guessed, and come twice to nobody. */
const CHALLENGE_LENGTH = 32;

const NONE = noneServer();
const USER_PASS = userPassServer();
const CHAP = chapServer({ challenge: () => randomBytes(CHALLENGE_LENGTH) });
const CRAM = cramServer();

/**
 * The methods of these names.
 *
 * @param path - The option that names them.
 * @throws ServerError `ERR_SOCKS_BAD_OPTION` when one of them lacks what it needs.
 */
export function authMethodsFor(
  names: readonly AuthMethodName[],
  options: ServerOptions,
  path: OptionPath,
): readonly ServerAuthMethod[] {
  return names.map((name) => authMethodFor(name, options, path));
}

function authMethodFor(name: AuthMethodName, options: ServerOptions, path: OptionPath): ServerAuthMethod {
  const { credentials, challenge, maf } = options;
  switch (name) {
    case "none":
      return NONE;
    case "userpass":
      if (credentials === undefined)
        throw badOption(path, '"userpass" needs users to compare with; give "credentials"');
      return USER_PASS;
    case "chap":
      if (credentials === undefined) throw badOption(path, '"chap" needs users with passwords; give "credentials"');
      if (!Array.isArray(credentials) && !("verifyChap" in credentials && credentials.verifyChap !== undefined)) {
        throw badOption(path, '"chap" needs "credentials" that have a method verifyChap');
      }
      return CHAP;
    case "cram":
      if (challenge === undefined && credentials === undefined) {
        throw badOption(
          path,
          '"cram" needs somebody who asks; give "challenge", or "credentials" to ask for the password',
        );
      }
      return CRAM;
    case "maf":
      if (maf === undefined) throw badOption(path, '"maf" runs methods that both sides agreed on; give them as "maf"');
      return mafMethod(maf, ["maf"]);
  }
}

function mafMethod(maf: MafServerOptions, path: OptionPath): ServerAuthMethod {
  try {
    return mafServer(maf);
  } catch (error) {
    if (error instanceof AuthError) throw badOption(path, error.message);
    throw error;
  }
}

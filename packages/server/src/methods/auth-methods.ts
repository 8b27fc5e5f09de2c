import { randomBytes } from "node:crypto";
import {
  type AuthEvidence,
  AuthError,
  chapServer,
  cramServer,
  gssapiServer,
  type GssapiServerOptions,
  mafServer,
  type MafServerOptions,
  noneServer,
  type ServerAuthMethod,
  sslServer,
  userPassServer,
} from "@sockskit/auth";
import { METHOD } from "@sockskit/wire";
import { UserStore } from "../credentials/user-store.ts";
import { badOption, type OptionPath } from "../errors.ts";
import type { AuthMethodName, ServerOptions } from "../options.ts";
import { innerMethodNames } from "./ssl-plan.ts";

/** Every method that a server can be told to take. */
export const METHOD_NAMES: readonly AuthMethodName[] = ["none", "userpass", "chap", "cram", "gssapi", "ssl", "maf"];

/** Those that leave nothing behind. */
const INNER_NAMES: readonly AuthMethodName[] = METHOD_NAMES.filter((name) => name !== "ssl" && name !== "gssapi");

/** The number that draft-ietf-aft-socks-ssl-00 prints. */
const DRAFT_SSL_METHOD = 0x86;

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
  gssapi: GssapiServerOptions = {},
): readonly ServerAuthMethod[] {
  return names.flatMap((name) => {
    const method = name === "gssapi" ? gssapiServer(gssapi) : authMethodFor(name, options, path);
    const hasSecondNumber = name === "ssl" && options.ssl?.draftNumber === true;
    return hasSecondNumber ? [method, sslMethod(options, DRAFT_SSL_METHOD)] : [method];
  });
}

function authMethodFor(
  name: Exclude<AuthMethodName, "gssapi">,
  options: ServerOptions,
  path: OptionPath,
): ServerAuthMethod {
  switch (name) {
    case "none":
      return NONE;
    case "userpass":
      requireJudge(name, options, path);
      return USER_PASS;
    case "chap":
      requireJudge(name, options, path);
      return CHAP;
    case "cram":
      requireJudge(name, options, path);
      return CRAM;
    case "ssl":
      return sslMethod(options, METHOD.secureSocketsLayer);
    case "maf":
      if (options.maf === undefined) {
        throw badOption(path, '"maf" runs methods that both sides agreed on; give them as "maf"');
      }
      return mafMethod(options.maf, options);
  }
}

/** Whoever could not be judged would never be let in. */
function requireJudge(evidence: AuthEvidence["type"], options: ServerOptions, path: OptionPath): void {
  const { credentials, challenge } = options;
  switch (evidence) {
    case "userpass":
      if (credentials !== undefined) return;
      throw badOption(path, '"userpass" needs users to compare with; give "credentials"');
    case "chap":
      if (credentials === undefined) throw badOption(path, '"chap" needs users with passwords; give "credentials"');
      if (Array.isArray(credentials)) return;
      if (credentials instanceof UserStore && !credentials.servesChap) {
        throw badOption(
          path,
          '"chap" needs "credentials" that keep passwords: createCredentialStore(users, { chap: true })',
        );
      }
      if ("verifyChap" in credentials && credentials.verifyChap !== undefined) return;
      throw badOption(path, '"chap" needs "credentials" that have a method verifyChap');
    case "cram":
      if (challenge !== undefined || credentials !== undefined) return;
      throw badOption(
        path,
        '"cram" needs somebody who asks; give "challenge", or "credentials" to ask for the password',
      );
    case "gssapi":
      throw badOption(path, '"gssapi" protects the connection; give it as a method of its own');
  }
}

/** Whether a method inside MAF has its clients judged by this. */
export function mafShows(evidence: AuthEvidence["type"], { maf }: ServerOptions): boolean {
  return maf?.methods.some((method) => method.start().evidence === evidence) === true;
}

function sslMethod(options: ServerOptions, method: number): ServerAuthMethod {
  const path = ["ssl", "authMethods"];
  const names: readonly AuthMethodName[] = innerMethodNames(options);
  if (!(names.length > 0 && names.every((name) => INNER_NAMES.includes(name)))) {
    throw badOption(path, `expected a list of methods, one or more of ${INNER_NAMES.join(", ")}`);
  }
  const methods = authMethodsFor(names, options, path);
  return sslServer({ methods, method, udpNaked: options.ssl?.udpNaked === true });
}

function mafMethod(maf: MafServerOptions, options: ServerOptions): ServerAuthMethod {
  let method: ServerAuthMethod;
  try {
    method = mafServer(maf);
  } catch (error) {
    if (error instanceof AuthError) throw badOption(["maf"], error.message);
    throw error;
  }
  for (const [index, inner] of maf.methods.entries()) {
    const { evidence } = inner.start();
    if (evidence !== undefined) requireJudge(evidence, options, ["maf", "methods", index]);
  }
  return method;
}

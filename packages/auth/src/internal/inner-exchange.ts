// A method of authentication inside TLS inside SOCKS: which may run there, and how its steps become those outside.

import { METHOD } from "@sockskit/wire";

import { AuthError } from "../errors.ts";
import type { AuthMethod, AuthStep } from "../method.ts";

/** The number that draft-ietf-aft-socks-ssl-00 prints, a private one; 06 was assigned later. */
export const DRAFT_SSL_METHOD = 0x86;

/**
 * Checks the methods that are to run inside.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION`.
 */
export function checkedInnerMethods<T extends AuthMethod>(methods: readonly T[]): readonly T[] {
  const outer: readonly number[] = [METHOD.gssapi, METHOD.secureSocketsLayer, DRAFT_SSL_METHOD];
  const unfit = methods.find(({ method }) => outer.includes(method));
  if (unfit === undefined) return [...methods];
  throw badOption(`${unfit.name} protects what follows it, and cannot run inside TLS`);
}

/** The number of the method itself. */
export function checkedSslMethod(method: number = METHOD.secureSocketsLayer): number {
  if (method === METHOD.secureSocketsLayer || method === DRAFT_SSL_METHOD) return method;
  throw badOption(`method is ${String(method)}; expected 0x06 or 0x86`);
}

/** What a step of the method inside is outside. */
export function innerStep<T extends { readonly type: string }>(step: T): T | AuthStep {
  if (step.type !== "secure") return step;
  return { type: "failed", consumed: 0, error: badOption("a method that protects what follows cannot run inside TLS") };
}

function badOption(message: string): AuthError {
  return new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}

import { isSocksError, type SocksError } from "../../src/index.ts";

/** The error that a promise rejects with, which must be a SocksError. */
export async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  if (!isSocksError(error)) throw new TypeError(`expected a SocksError, got ${String(error)}`, { cause: error });
  return error;
}

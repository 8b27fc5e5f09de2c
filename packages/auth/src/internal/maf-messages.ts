// What both sides of MAF do alike.

import {
  type Decoded,
  MAF_INSTR,
  MAF_OEM,
  type MafMessage,
  type MafOem,
  WireError,
  decodeMafMessage,
  encodeMafMessage,
  mafId,
} from "@sockskit/wire";

import { AuthError } from "../errors.ts";
import type { AuthFailed } from "../method.ts";
import { sameOctets } from "./octets.ts";

/** Messages of the peer that one exchange takes, unless told otherwise; the draft has no limit. */
const DEFAULT_MAX_ROUNDS = 16;

/** Decodes a message, or says what is wrong with it. */
export function readMafMessage(bytes: Uint8Array): Decoded<MafMessage> | undefined | WireError {
  try {
    return decodeMafMessage(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/**
 * The answer to an OEM message: nobody here knows one. `undefined` for a message that is such an answer itself,
 * though we asked nothing: answering it could go on for ever.
 */
export function answerOem(message: MafOem): Uint8Array | undefined {
  const notRecognised = mafId(MAF_OEM.notRecognised);
  if (sameOctets(message.oemId, notRecognised)) return undefined;
  return encodeMafMessage({ instr: MAF_INSTR.oem, oemId: notRecognised, data: new Uint8Array(0) });
}

/** A Process message, when there is something to carry. */
export function encodeProcess(method: Uint8Array, data: Uint8Array | undefined): Uint8Array {
  return data === undefined ? new Uint8Array(0) : encodeMafMessage({ instr: MAF_INSTR.process, method, data });
}

/** The end of an exchange whose method wants to protect what follows: messages of MAF follow, which are not protected. */
export function cannotProtect(consumed: number): AuthFailed {
  const message = "a method that protects the connection cannot run inside MAF";
  return { type: "failed", consumed, error: badOption(message) };
}

/**
 * Copies of methods whose ids are sound.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION`.
 */
export function checkedMethods<T extends { readonly id: Uint8Array }>(methods: readonly T[]): readonly T[] {
  if (methods.length === 0) throw badOption("there is no method; MAF needs at least one");
  methods.forEach(({ id }, index) => {
    if (id.length < 1 || id.length > 0xff) throw badOption(`an id has ${id.length} octets; expected 1 to 255`);
    if (methods.findIndex((other) => sameOctets(other.id, id)) !== index) throw badOption("two methods have one id");
  });
  return methods.map((method) => ({ ...method, id: new Uint8Array(method.id) }));
}

/**
 * The limit on messages of the peer.
 *
 * @throws AuthError `ERR_SOCKS_BAD_OPTION`.
 */
export function checkedRounds(maxRounds: number = DEFAULT_MAX_ROUNDS): number {
  if (Number.isSafeInteger(maxRounds) && maxRounds >= 1) return maxRounds;
  throw badOption(`maxRounds is ${String(maxRounds)}; expected a whole number from 1 on`);
}

function badOption(message: string): AuthError {
  return new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}

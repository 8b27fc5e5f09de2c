// Numbers of draft-ietf-aft-socks-maf-01.

import { nameIn } from "../internal/name-in.ts";

/** `VER` of a {@link MafMessage}, but for the last two kinds. */
export const MAF_VERSION = 0x01;
/** `VER` of Success and Failure, which the draft sets to zero. */
export const MAF_RESULT_VERSION = 0x00;

/** `INSTR`: what a {@link MafMessage} says, draft-ietf-aft-socks-maf-01. */
export const MAF_INSTR = {
  /** Server: authenticated. */
  success: 0x00,
  /** Client: the methods that it has. */
  canDo: 0x01,
  /** Server: further ids are wanted. */
  sendMore: 0x02,
  /** Server: run this method. */
  do: 0x03,
  /** Client: the method is over. */
  whatNext: 0x04,
  /** Both: octets of a method. */
  process: 0x05,
  /** Both: the end was understood. */
  acknowledge: 0x06,
  /** Both: something private. */
  oem: 0x07,
  /** Server: not authenticated; the connection ends. */
  failure: 0xff,
} as const;

/** `FLAGS` of Send More Can Do: ids that were not sent yet, or all of them again from the first. */
export const MAF_SEND_MORE = {
  /** Those that were not sent yet. */
  relative: 0x0000,
  /** All of them, from the first. */
  startOver: 0x0001,
} as const;

/**
 * Compact ids of methods with a fixed meaning, as numbers of four octets, draft-ietf-aft-socks-maf-01. Ids from
 * 5 to FFFF are Novell's, those from 10000 on would be IANA's. `success` and `failure` name no method:
 * they stand in the Success and Failure messages.
 */
export const MAF_METHOD = {
  /** Stands in a Success message. */
  success: 0x0000_0000,
  /** A test. */
  internalTest: 0x0000_0001,
  /** In a Can Do message: the client has ids that it did not send. */
  moreIdsAvailable: 0x0000_0002,
  /** Stands in a Failure message. */
  failure: 0xffff_ffff,
} as const;

/** Ids of OEM messages with a fixed meaning, as numbers of four octets, draft-ietf-aft-socks-maf-01. */
export const MAF_OEM = {
  /** A test. */
  test: 0x0000_0000,
  /** The answer to an id that is not known. */
  notRecognised: 0xffff_ffff,
} as const;

/** Name of an `INSTR` in {@link MAF_INSTR}; `undefined` when the number has none. */
export function mafInstrName(instr: number): keyof typeof MAF_INSTR | undefined {
  return nameIn(MAF_INSTR, instr);
}

/**
 * The four octets of a compact id.
 *
 * @example
 * ```ts
 * mafId(0x00010000); // 00 01 00 00
 * ```
 */
export function mafId(number: number): Uint8Array {
  return Uint8Array.of((number >>> 24) & 0xff, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
}

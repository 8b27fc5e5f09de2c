// The attribute lists of CHAP and CRAM, as both their sides use them.

import {
  ATT,
  ATTRIBUTE_STATUS,
  type Attribute,
  type AttributeList,
  type Decoded,
  WireError,
  decodeAttributeList,
  encodeAttributeList,
} from "@sockskit/wire";

import { AuthError, type AuthErrorCode } from "../errors.ts";
import type { AuthFailed } from "../method.ts";
import { type Charset, charsetOf, displayText } from "./charset.ts";
import { joinOctets } from "./octets.ts";

/** An attribute that is left out when it has no value. */
export type AttributeEntry = readonly [att: number, val: Uint8Array | undefined];

/** Encodes the attributes that have a value. */
export function encodeAttributes(...entries: readonly AttributeEntry[]): Uint8Array {
  const attributes: Attribute[] = [];
  for (const [att, val] of entries) if (val !== undefined) attributes.push({ att, val });
  return encodeAttributeList({ attributes });
}

/** The octets of a STATUS attribute. */
export function statusOctets(status: keyof typeof ATTRIBUTE_STATUS): Uint8Array {
  return Uint8Array.of(ATTRIBUTE_STATUS[status]);
}

/** Decodes a list, or says what is wrong with it. */
export function readAttributes(bytes: Uint8Array): Decoded<AttributeList> | undefined | WireError {
  try {
    return decodeAttributeList(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** Value of an attribute, which occurs at most once. */
export function attributeValue(list: AttributeList, att: number): Uint8Array | undefined {
  return list.attributes.find((attribute) => attribute.att === att)?.val;
}

/** Whether a STATUS says success: exactly one octet 00. */
export function saysSuccess(status: Uint8Array): boolean {
  return status.length === 1 && status[0] === ATTRIBUTE_STATUS.success;
}

/** What the TEXT-MESSAGE attributes say, fit to be shown; empty when there are none. */
export function shownText(list: AttributeList, initial: Charset): string {
  const texts = list.attributes.filter(({ att }) => att === ATT.textMessage).map(({ val }) => val);
  return displayText(joinOctets(...texts), charsetOf(attributeValue(list, ATT.charset), initial));
}

/** The same, as an end for a sentence: `: "Account locked"`, or nothing. */
export function quotedText(list: AttributeList, initial: Charset): string {
  const text = shownText(list, initial);
  return text === "" ? "" : `: "${text.replaceAll('"', "'")}"`;
}

/** The step that ends an exchange because of the peer. A server sends `STATUS` for failure with it. */
export function failure(
  code: AuthErrorCode,
  message: string,
  consumed: number,
  details?: { readonly send?: Uint8Array; readonly cause?: unknown },
): AuthFailed {
  const error = new AuthError(code, message, { side: "remote", cause: details?.cause });
  return { type: "failed", consumed, send: details?.send, error };
}

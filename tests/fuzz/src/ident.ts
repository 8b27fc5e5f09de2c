import assert from "node:assert/strict";
import {
  decodeIdentQuery,
  decodeIdentReply,
  encodeIdentQuery,
  encodeIdentReply,
  IdentError,
  type IdentQuery,
  type IdentReply,
  MAX_IDENT_LINE_LENGTH,
  MAX_USER_ID_LENGTH,
  userIdText,
} from "@sockskit/identd";
import { concat } from "@sockskit/testing";
import { identVectors, vectorOctets } from "@sockskit/vectors";
import type { Target } from "./target.ts";

/** A decoder of lines, ours or one that should behave like it. */
export type LineDecoder<T> = (bytes: Uint8Array, offset?: number) => { value: T; byteLength: number } | undefined;

const LF = 0x0a;
const PRINTABLE = /^[ -~]{1,64}$/;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Lines that strangers ask an ident daemon with. */
export function identQueries(decode: LineDecoder<IdentQuery> = decodeIdentQuery): Target {
  return {
    name: "decodeIdentQuery",
    corpus: identVectors().queries.map(({ hex }) => vectorOctets(hex)),
    check: (input) => checkLine(decode, encodeIdentQuery, input, checkPorts),
  };
}

/** Lines that strangers answer us with. */
export function identReplies(decode: LineDecoder<IdentReply> = decodeIdentReply): Target {
  return {
    name: "decodeIdentReply",
    corpus: identVectors().replies.map(({ hex }) => vectorOctets(hex)),
    check: (input) => checkLine(decode, encodeIdentReply, input, checkReply),
  };
}

function checkPorts({ portOnServer, portOnClient }: IdentQuery): void {
  for (const port of [portOnServer, portOnClient]) assert.ok(Number.isInteger(port) && port >= 0 && port <= 99_999);
}

function checkReply(reply: IdentReply): void {
  checkPorts(reply);
  if (reply.type === "error") {
    assert.match(reply.errorType, PRINTABLE);
    return;
  }
  assert.match(reply.opsys, PRINTABLE);
  if (reply.charset !== undefined) assert.match(reply.charset, PRINTABLE);
  assert.ok(
    reply.userId.length >= 1 && reply.userId.length <= MAX_USER_ID_LENGTH,
    "a user id of a length that is none",
  );
  const control = reply.userId.find((octet) => (octet < 0x20 && octet !== 0x09) || octet === 0x7f);
  assert.equal(control, undefined, "a user id with a control octet");
  assert.doesNotMatch(userIdText(reply), INVISIBLE, "what is shown of it has something invisible");
}

function checkLine<T extends object>(
  decode: LineDecoder<T>,
  encode: (value: T) => Uint8Array,
  input: Uint8Array,
  checkValue: (value: T) => void,
): void {
  const bytes = Buffer.from(input);
  const decoded = attempt(() => decode(bytes) ?? "incomplete");
  const behind = attempt(() => decode(concat(Uint8Array.of(LF), input), 1) ?? "incomplete");
  assert.deepEqual(behind, decoded, "the offset changes the result");
  if (decoded === undefined) return;
  if (decoded === "incomplete") {
    assert.ok(input.length < MAX_IDENT_LINE_LENGTH, `still waits after ${input.length} octets`);
    assert.ok(!input.includes(LF), "waits for an end that is there");
    return;
  }
  const { value, byteLength } = decoded;
  assert.equal(byteLength, input.indexOf(LF) + 1, "takes another line than the first");
  assert.ok(byteLength <= MAX_IDENT_LINE_LENGTH, "takes a line that is too long");
  assert.equal(decode(input.subarray(0, byteLength - 1)), undefined, "a part of a line is incomplete");
  assert.deepEqual(decode(input.subarray(0, byteLength)), decoded, "what is behind the line changes it");
  bytes.fill(0xee);
  assert.deepEqual(decode(input)?.value, value, "the value holds on to the caller's octets");
  checkValue(value);
  const sent = attempt(() => encode(value), "local");
  if (sent === undefined) return;
  assert.deepEqual(decode(sent), { value, byteLength: sent.length }, "the value changes when it is sent on");
}

// What the call gives, or undefined when it blames the side that is to blame; anything else it raises is a broken promise.
function attempt<T>(call: () => T, side: "remote" | "local" = "remote"): T | undefined {
  try {
    return call();
  } catch (error) {
    assert.ok(error instanceof IdentError, `raised ${String(error)}`);
    assert.equal(error.side, side, "blames the wrong side");
    return undefined;
  }
}

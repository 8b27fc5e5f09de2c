import assert from "node:assert/strict";
import { concat, hex } from "./hex.ts";

/** A decoder of the kind that the whole project uses: one message from the start of what has arrived. */
export type Decoder<T> = (
  bytes: Uint8Array,
  offset?: number,
) => { readonly value: T; readonly byteLength: number } | undefined;

/** What a rejected message must lead to. */
export interface Rejection {
  /** Stable code of the error. */
  readonly code: string;
  /** `rep` of the error; absent: the error must have none. */
  readonly rep?: number | undefined;
  /** `name` of the error. Default: `"WireError"`. */
  readonly name?: string;
  /** Number of octets after which the error must come, not earlier and not later. Default: all of them. */
  readonly afterOctets?: number | undefined;
}

const TRAILING = Uint8Array.of(0xaa, 0x00, 0x05, 0xff);
const LEADING = Uint8Array.of(0x05, 0x01, 0xff);

/**
 * Checks the decoder contract on a valid message and returns its value.
 *
 * - Every proper prefix is `undefined`, whatever lies in memory behind it.
 * - The whole message is decoded, with its length, at offset zero and at another one.
 * - Octets behind the message change nothing, and the input is left as it was.
 * - The value keeps no reference to the input, a `Buffer` included.
 */
export function checkAccepted<T>(decode: Decoder<T>, message: Uint8Array): T {
  const expected = decode(message.slice());
  assert.ok(expected !== undefined, `whole message is taken for incomplete: ${hex(message)}`);
  assert.equal(expected.byteLength, message.length, `byteLength of ${hex(message)}`);

  for (let length = 0; length < message.length; length++) {
    assert.equal(decode(message.slice(0, length)), undefined, `prefix of ${length} octets of ${hex(message)}`);
    // The same prefix as a view, with the rest of the message or something else behind it.
    assert.equal(decode(message.subarray(0, length)), undefined, `view of ${length} octets of ${hex(message)}`);
  }

  const followed = concat(message, TRAILING);
  const before = followed.slice();
  assert.deepEqual(decode(followed), expected, `with octets behind ${hex(message)}`);
  assert.deepEqual(followed, before, "the decoder changed its input");

  const shifted = concat(LEADING, message, TRAILING);
  assert.deepEqual(decode(shifted, LEADING.length), expected, `at an offset: ${hex(message)}`);
  for (let length = 0; length < message.length; length++) {
    const prefix = shifted.subarray(0, LEADING.length + length);
    assert.equal(decode(prefix, LEADING.length), undefined, `prefix of ${length} octets at an offset`);
  }

  for (const input of [message.slice(), Buffer.from(message)]) {
    const decoded = decode(input);
    input.fill(0xa5);
    assert.deepEqual(decoded, expected, `the value of ${hex(message)} shares memory with the input`);
  }
  return expected.value;
}

/**
 * Checks that a message which can never become valid is rejected as soon as that is certain: every
 * shorter prefix is `undefined`, and from `afterOctets` on it is the same error.
 */
export function checkRejected(decode: Decoder<unknown>, bytes: Uint8Array, rejection: Rejection): void {
  const afterOctets = rejection.afterOctets ?? bytes.length;
  for (let length = 0; length < afterOctets; length++) {
    assert.equal(decode(bytes.slice(0, length)), undefined, `prefix of ${length} octets of ${hex(bytes)}`);
  }
  for (let length = afterOctets; length <= bytes.length; length++) {
    checkThrows(() => decode(bytes.slice(0, length)), rejection, `${length} octets of ${hex(bytes)}`);
    checkThrows(() => decode(concat(LEADING, bytes.slice(0, length)), LEADING.length), rejection, "at an offset");
  }
}

/** Checks that `run` throws the error of a peer's mistake: name, code, side and `rep`. */
export function checkThrows(run: () => unknown, rejection: Rejection, context: string): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof Error, `nothing thrown: ${context}`);
  const { name, code, side, rep } = thrown as Error & { code?: string; side?: string; rep?: number };
  assert.deepEqual(
    { name, code, side, rep },
    { name: rejection.name ?? "WireError", code: rejection.code, side: "remote", rep: rejection.rep },
    `${context}: ${thrown.message}`,
  );
}

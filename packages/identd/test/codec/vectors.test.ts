import { checkAccepted, checkRejected } from "@sockskit/testing";
import { type IdentVector, identVectors, vectorOctets } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import {
  decodeIdentQuery,
  decodeIdentReply,
  encodeIdentQuery,
  encodeIdentReply,
  IdentError,
  type IdentUserReply,
  userIdText,
} from "../../src/index.ts";

const { queries, replies } = identVectors();

describe.each(queries)("$name", (vector) => {
  test("decode and encode", () => check(vector, decodeIdentQuery, encodeIdentQuery));
});

describe.each(replies)("$name", (vector) => {
  test("decode and encode", () => {
    const value = check(vector, decodeIdentReply, encodeIdentReply);
    if (value?.type === "userid") expect(userIdText(value)).toBe(vector.decoded?.["text"]);
  });
});

function check<T extends object>(
  vector: IdentVector,
  decode: (bytes: Uint8Array, offset?: number) => { value: T; byteLength: number } | undefined,
  encode: (value: T) => Uint8Array,
): T | undefined {
  const { hex, decoded, error, encodesTo, encodeError } = vector;
  const line = vectorOctets(hex);
  if (decoded === undefined) {
    checkRejected(decode, line, { name: "IdentError", code: "missing", ...error });
    return undefined;
  }
  const value = checkAccepted(decode, line);
  const { text: _shown, userId, ...fields } = decoded;
  expect(value).toEqual(userId === undefined ? fields : { ...fields, userId: vectorOctets(String(userId)) });
  if (encodeError !== undefined) {
    expect(() => encode(value)).toThrow(
      expect.objectContaining({ name: "IdentError", code: encodeError }) as IdentError,
    );
  } else {
    expect(Buffer.from(encode(value)).toString("latin1")).toBe(
      Buffer.from(vectorOctets(encodesTo ?? hex)).toString("latin1"),
    );
  }
  return value;
}

describe("what cannot be sent", () => {
  const user = (change: Partial<IdentUserReply>): IdentUserReply => ({
    type: "userid",
    portOnServer: 1,
    portOnClient: 2,
    opsys: "UNIX",
    userId: Buffer.from("fred"),
    ...change,
  });

  test.each<[string, Partial<IdentUserReply>]>([
    ["an empty user id", { userId: new Uint8Array(0) }],
    ["a user id of 513 octets", { userId: new Uint8Array(513).fill(0x61) }],
    ["a user id that ends the line", { userId: Buffer.from("fred\r\n1,2:USERID:UNIX:root") }],
    ["a user id with NUL", { userId: Buffer.from("root\0x") }],
    ["an operating system with a colon", { opsys: "UNIX:root" }],
    ["an operating system with a comma", { opsys: "UNIX,UTF-8" }],
    ["an operating system that ends the line", { opsys: "UNIX\n" }],
    ["no operating system", { opsys: "" }],
    ["an operating system of 65 characters", { opsys: "x".repeat(65) }],
    ["a charset that is none", { charset: "UTF-8:" }],
    ["a port of six digits", { portOnServer: 100_000 }],
    ["a negative port", { portOnClient: -1 }],
    ["half a port", { portOnClient: 1.5 }],
  ])("%s", (_what, change) => {
    expect(() => encodeIdentReply(user(change))).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_FIELD", side: "local" }) as IdentError,
    );
  });

  test("an error type with a colon", () => {
    expect(() => encodeIdentReply({ type: "error", portOnServer: 1, portOnClient: 2, errorType: "A:B" })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_FIELD" }) as IdentError,
    );
  });
});

test("an error quotes nothing of what a peer sent", () => {
  const run = (): unknown => decodeIdentReply(Buffer.from("1,2:USERID:UNIX:\u001B[31mforged\r\n"));
  expect(run).toThrow(IdentError);
  expect(run).not.toThrow(/forged/);
});

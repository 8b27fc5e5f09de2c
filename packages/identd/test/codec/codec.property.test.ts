import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeIdentQuery,
  decodeIdentReply,
  encodeIdentQuery,
  encodeIdentReply,
  IdentError,
  trimUserId,
  userIdText,
} from "../../src/index.ts";

const port = fc.integer({ min: 1, max: 65_535 });
const pair = fc.record({ portOnServer: port, portOnClient: port });
const token = fc.stringMatching(/^[!-+\--9;-~]{1,64}$/);
const userId = fc
  .uint8Array({ minLength: 1, maxLength: 512 })
  .map((octets) => octets.map((octet) => ((octet < 0x20 && octet !== 0x09) || octet === 0x7f ? 0x61 : octet)));

test("what is sent is what is read", () => {
  fc.assert(
    fc.property(pair, token, fc.option(token, { nil: undefined }), userId, (ports, opsys, charset, userId) => {
      const user = { type: "userid" as const, ...ports, opsys, ...(charset === undefined ? {} : { charset }), userId };
      const line = encodeIdentReply(user);
      expect(decodeIdentReply(line)).toEqual({ value: user, byteLength: line.length });
      const error = { type: "error" as const, ...ports, errorType: opsys.toUpperCase() };
      expect(decodeIdentReply(encodeIdentReply(error))?.value).toEqual(error);
      expect(decodeIdentQuery(encodeIdentQuery(ports))?.value).toEqual(ports);
    }),
  );
});

test("one octet at a time, a line is incomplete until its last octet", () => {
  fc.assert(
    fc.property(pair, token, userId, (ports, opsys, userId) => {
      const line = encodeIdentReply({ type: "userid", ...ports, opsys, userId });
      for (let length = 0; length < line.length; length++) {
        expect(decodeIdentReply(line.subarray(0, length))).toBeUndefined();
      }
    }),
    { numRuns: 20 },
  );
});

test("whatever comes, it is a value, incomplete, or the peer's mistake", () => {
  const piece = fc.oneof(
    fc.constantFrom("1", "65535", ",", ":", " ", "\t", "\r", "\n", "\r\n", "USERID", "ERROR", "UNIX", "fred", "\0"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(""));
      for (const decode of [decodeIdentQuery, decodeIdentReply]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(IdentError);
          expect(error).toMatchObject({ side: "remote" });
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what is shown of a user id is one visible line, and trimming takes blanks only", () => {
  fc.assert(
    fc.property(
      userId,
      fc.option(fc.constantFrom("UTF-8", "ISO-8859-1", "UTF-16LE", "no such"), { nil: undefined }),
      (userId, charset) => {
        const text = userIdText({ userId, ...(charset === undefined ? {} : { charset }) });
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        const trimmed = Buffer.from(trimUserId(userId)).toString("latin1");
        expect(
          Buffer.from(userId)
            .toString("latin1")
            .replaceAll(/^[ \t]+|[ \t]+$/g, ""),
        ).toBe(trimmed);
      },
    ),
  );
});

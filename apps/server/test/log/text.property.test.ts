import * as fc from "fast-check";
import { expect, test } from "vitest";
import { prettyLine } from "../../src/log/pretty.ts";
import { safeText } from "../../src/log/safe-text.ts";

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test("nothing invisible is left, and JSON reads back what was there", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = safeText(JSON.stringify({ text }));
      expect(line).not.toMatch(HIDDEN);
      expect(JSON.parse(line)).toEqual({ text });
    }),
  );
});

test("a line for people is one line, with nothing invisible but colours", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (msg, user) => {
      const json = JSON.stringify({ level: "info", msg, user, time: "2026-11-23T05:51:00.168Z" });
      const line = prettyLine(json, false);
      expect(line.endsWith("\n")).toBe(true);
      expect(line.slice(0, -1)).not.toMatch(HIDDEN);
    }),
  );
});

test.each([
  ["alice", "user=alice"],
  ["a b", 'user="a b"'],
  ['a" rule=1 b="', String.raw`user="a\" rule=1 b=\""`],
  ["a=b", 'user="a=b"'],
  ["", 'user=""'],
  ["\u202Ex", String.raw`user="\u202ex"`],
  [String.raw`\u202e`, String.raw`user="\\u202e"`],
  ["a\nb", String.raw`user="a\nb"`],
])("a field %j reads %s", (user, expected) => {
  expect(prettyLine(JSON.stringify({ level: "info", msg: "m", user, time: "2026-11-23T05:51:00Z" }), false)).toContain(
    `  ${expected}\n`,
  );
});

test("colours go round words, not into them", () => {
  const json = JSON.stringify({ level: "error", msg: "m", user: "\u001b[2J", time: "2026-11-23T05:51:00Z" });
  const line = prettyLine(json, true);
  expect(line).toContain("\u001B[31merror\u001B[0m");
  expect(line).toContain(String.raw`"\u001b[2J"`);
});

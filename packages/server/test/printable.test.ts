import { expect, test } from "vitest";
import { hiddenCharacter, printable } from "../src/printable.ts";

test.each([
  ["plain", "plain"],
  ["Zoë", "Zoë"],
  ["a\r\nb", "a\\u{000D}\\u{000A}b"],
  ["\u001b[31mred", "\\u{001B}[31mred"],
  ["a\u202etxt.exe", "a\\u{202E}txt.exe"],
  ["a\u2028b", "a\\u{2028}b"],
  ["zero\u200bwidth", "zero\\u{200B}width"],
  ["nul\0nul", "nul\\u{0000}nul"],
])("what a peer chose is one visible line: %j", (text, expected) => {
  expect(printable(Buffer.from(text))).toBe(expected);
});

test("octets that are no text, and very long text", () => {
  expect(printable(Uint8Array.of(0x61, 0xff, 0x62))).toBe("a\ufffdb");
  expect(printable(Buffer.alloc(512, "x"))).toHaveLength(256);
});

test("names the first character that cannot be seen", () => {
  expect(hiddenCharacter("plain")).toBeUndefined();
  expect(hiddenCharacter("a\u0085\u0000")).toBe("U+0085");
});

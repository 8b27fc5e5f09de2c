import { expect, test } from "vitest";
import { grantProtection, type GssapiProtection, levelOf, protectionOf, requestProtection } from "../src/index.ts";

const BOTH: readonly GssapiProtection[] = ["integrity", "confidentiality"];
const able = { integrity: true, confidentiality: true };

test.each([
  [1, BOTH, "integrity"],
  [2, BOTH, "confidentiality"],
  [3, BOTH, "confidentiality"],
  [0, BOTH, "confidentiality"],
  [4, BOTH, undefined],
  [0xff, BOTH, undefined],
  [1, ["confidentiality"], "confidentiality"],
  [2, ["integrity"], "integrity"],
  [0, ["integrity"], "integrity"],
  [0, ["none", "integrity"], "none"],
  [2, ["none"], "none"],
  [2, [], undefined],
] as const)("a client that asks for %i where %j is allowed gets %s", (asked, allowed, granted) => {
  expect(grantProtection({ ...able, asked, allowed, answerNone: false })).toBe(granted);
});

test("a context that cannot do it is not asked to", () => {
  const weak = { integrity: true, confidentiality: false };
  expect(grantProtection({ ...weak, asked: 2, allowed: BOTH, answerNone: false })).toBe("integrity");
  expect(grantProtection({ ...weak, asked: 2, allowed: ["confidentiality"], answerNone: false })).toBeUndefined();
  const none = { integrity: false, confidentiality: false };
  expect(grantProtection({ ...none, asked: 1, allowed: BOTH, answerNone: false })).toBeUndefined();
  expect(requestProtection({ ...weak, allowed: BOTH })).toBe("integrity");
  expect(requestProtection({ ...weak, allowed: ["confidentiality"] })).toBeUndefined();
  expect(requestProtection({ ...none, allowed: ["none", "integrity"] })).toBe("none");
});

test("answerNone grants nothing else, but only for a level that exists", () => {
  for (const asked of [0, 1, 2, 3]) {
    expect(grantProtection({ ...able, asked, allowed: BOTH, answerNone: true })).toBe("none");
  }
  expect(grantProtection({ ...able, asked: 4, allowed: BOTH, answerNone: true })).toBeUndefined();
});

test("octets and names", () => {
  expect(["none", "integrity", "confidentiality"].map((name) => levelOf(name as GssapiProtection))).toEqual([0, 1, 2]);
  expect([0, 1, 2, 3, 0xff].map(protectionOf)).toEqual(["none", "integrity", "confidentiality", undefined, undefined]);
});

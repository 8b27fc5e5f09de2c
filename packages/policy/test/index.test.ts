import { expect, test } from "vitest";
import * as policy from "../src/index.ts";

test("the exported names are these", () => {
  expect(Object.keys(policy).toSorted()).toEqual([
    "ADDRESS_SETS",
    "DEFAULT_RULES",
    "PolicyError",
    "compilePolicy",
    "decideAddress",
    "decideCommand",
    "decideRequest",
    "describeRule",
    "explainDecision",
    "isOwnListener",
    "repForError",
    "socks4CdForRep",
  ]);
});

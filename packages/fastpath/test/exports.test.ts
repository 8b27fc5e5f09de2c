import { expect, test } from "vitest";
import * as fastpath from "../src/index.ts";

test("the exported values are these and no others", () => {
  expect(Object.keys(fastpath).toSorted()).toEqual([
    "COUNTER",
    "DataPlane",
    "dataPlaneProblem",
    "duplicateListeningSocket",
    "errorName",
  ]);
});

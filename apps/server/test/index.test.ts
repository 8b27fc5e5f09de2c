import { expect, test } from "vitest";
import * as sockskitd from "../src/index.ts";

test("the exported names are these", () => {
  expect(Object.keys(sockskitd)).toEqual(["main"]);
});

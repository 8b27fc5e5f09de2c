import { expect, test } from "vitest";
import * as authGssapi from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(authGssapi).toSorted()).toEqual([
    "GssapiInitiator",
    "createAcceptor",
    "sharedMechanism",
    "systemMechanism",
    "userOf",
  ]);
});

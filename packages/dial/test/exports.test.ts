import { expect, test } from "vitest";

import * as dial from "../src/index.ts";

test("the exported values are these and no others", () => {
  expect(Object.keys(dial).toSorted()).toEqual([
    "AuthPlan",
    "SocksError",
    "associateThrough",
    "bindThrough",
    "checkChain",
    "createDiscoveryMemory",
    "createResolver",
    "dialAddress",
    "dialProxy",
    "dialThrough",
    "isSocksError",
    "openSslServer",
    "resolvePtrThrough",
    "resolveThrough",
  ]);
});

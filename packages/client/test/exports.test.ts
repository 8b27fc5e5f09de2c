import { expect, test } from "vitest";

import * as client from "../src/index.ts";

test("the exported values are these and no others", () => {
  expect(Object.keys(client).toSorted()).toEqual([
    "SocksError",
    "bind",
    "connect",
    "connectionInfo",
    "createDiscoveryMemory",
    "createResolver",
    "createUdpSocket",
    "isSocksError",
    "probeProxy",
    "resolve",
    "resolvePtr",
  ]);
});

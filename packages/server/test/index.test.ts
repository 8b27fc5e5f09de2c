import { expect, test } from "vitest";
import * as server from "../src/index.ts";

test("the exported names are these", () => {
  expect(Object.keys(server).toSorted()).toEqual([
    "DEFAULT_LIMITS",
    "DEFAULT_TIMEOUTS",
    "ServerError",
    "SocksServer",
    "UserStore",
    "checkGssapiKeys",
    "chooseEngine",
    "createCredentialStore",
    "createServer",
    "hashPassword",
    "openProxyProblem",
    "parseUsersFile",
    "upstreamNameHandling",
    "verifyPassword",
  ]);
});

import { expect, test } from "vitest";
import * as identd from "../src/index.ts";

test("the exported names are these", () => {
  expect(Object.keys(identd).toSorted()).toEqual([
    "IDENT_ERROR",
    "IDENT_PORT",
    "IdentError",
    "IdentServer",
    "MAX_IDENT_LINE_LENGTH",
    "MAX_USER_ID_LENGTH",
    "askIdent",
    "createIdentServer",
    "createLinuxLookup",
    "decodeIdentQuery",
    "decodeIdentReply",
    "encodeIdentQuery",
    "encodeIdentReply",
    "trimUserId",
    "userIdText",
  ]);
});

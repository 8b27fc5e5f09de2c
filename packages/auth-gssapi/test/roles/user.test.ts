import { expect, test } from "vitest";
import { userOf } from "../../src/index.ts";

test.each([
  ["alice@TEST.LOCAL", "rcmd/localhost@TEST.LOCAL", "alice"],
  ["alice/admin@TEST.LOCAL", "rcmd/localhost@TEST.LOCAL", "alice/admin"],
  ["alice@OTHER.LOCAL", "rcmd/localhost@TEST.LOCAL", "alice@OTHER.LOCAL"],
  ["alice@test.local", "rcmd/localhost@TEST.LOCAL", "alice@test.local"],
  ["alice\\@TEST.LOCAL@OTHER", "rcmd/localhost@TEST.LOCAL", "alice\\@TEST.LOCAL@OTHER"],
  ["root\\@TEST.LOCAL@TEST.LOCAL", "rcmd/localhost@TEST.LOCAL", "root\\@TEST.LOCAL@TEST.LOCAL"],
  ["alice", "rcmd/localhost@TEST.LOCAL", "alice"],
  ["alice@TEST.LOCAL", "rcmd", "alice@TEST.LOCAL"],
  ["@TEST.LOCAL", "rcmd/localhost@TEST.LOCAL", "@TEST.LOCAL"],
])("%s at %s is the user %s", (peer, self, user) => {
  expect(userOf({ peer, self })).toBe(user);
});

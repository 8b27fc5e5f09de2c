import { expect, test } from "vitest";
import type { ServerError } from "../../src/errors.ts";
import { parseUsersFile } from "../../src/credentials/users-file.ts";

const HASH = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";

function mistakesOf(text: string): ServerError {
  try {
    parseUsersFile(text, "users.txt");
  } catch (error) {
    return error as ServerError;
  }
  throw new TypeError("the file was accepted");
}

test("one name:hash per line, with comments and empty lines", () => {
  expect(parseUsersFile(`# people\n\nalice:${HASH}\r\n  \nbob marley:${HASH} \n`)).toEqual([
    { name: "alice", password: HASH },
    { name: "bob marley", password: HASH },
  ]);
  expect(parseUsersFile(`\uFEFFalice:${HASH}`)).toEqual([{ name: "alice", password: HASH }]);
  expect(parseUsersFile("")).toEqual([]);
});

test("every mistake is told with its place, and no secret with it", () => {
  const error = mistakesOf(
    `alice:${HASH}\nno colon here\n:${HASH}\nbob:hunter2hunter2\nalice:${HASH}\nbell\u0007:${HASH}\n`,
  );
  expect(error).toMatchObject({ name: "ServerError", code: "ERR_SOCKS_BAD_USERS_FILE" });
  expect(error.problems?.map(({ line, column }) => [line, column])).toEqual([
    [2, 1],
    [3, 1],
    [4, 5],
    [5, 1],
    [6, 1],
  ]);
  expect(error.message.split("\n")).toEqual([
    "users.txt:2:1 expected name:hash, found no colon",
    "users.txt:3:1 the user name is empty; expected 1 to 255 octets of UTF-8",
    expect.stringContaining("users.txt:4:5 the password hash is not a password hash") as string,
    'users.txt:5:1 the user name "alice" is on line 1 already',
    "users.txt:6:1 the user name has the invisible character U+0007",
  ]);
  expect(error.message).not.toContain("hunter2");
  expect(error.message).not.toContain("no colon here");
});

test("a name of 255 octets is the longest", () => {
  expect(parseUsersFile(`${"ü".repeat(127)}x:${HASH}`)).toHaveLength(1);
  expect(mistakesOf(`${"ü".repeat(128)}:${HASH}`).message).toContain("is longer than 255 octets of UTF-8");
});

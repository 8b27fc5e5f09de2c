import { ServerError, type UsersFileProblem } from "../errors.ts";
import { parsePasswordHash } from "./password-hash.ts";
import { userNameProblem, type UserConfig } from "./user.ts";

/**
 * Reads a users file: one `name:hash` per line; empty lines and lines that begin with `#` are skipped.
 *
 * @param fileName Name of the file for error messages. Default `"users file"`.
 * @throws ServerError `ERR_SOCKS_BAD_USERS_FILE` with every mistake of the file in `problems`. No message
 * repeats what stands where a hash should be.
 */
export function parseUsersFile(text: string, fileName = "users file"): readonly UserConfig[] {
  const users: UserConfig[] = [];
  const lineOfName = new Map<string, number>();
  const problems: UsersFileProblem[] = [];

  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    if (content.trim() === "" || content.startsWith("#")) continue;
    const colon = content.indexOf(":");
    if (colon === -1) {
      problems.push({ line, column: 1, message: "expected name:hash, found no colon" });
      continue;
    }
    const name = content.slice(0, colon);
    const password = content.slice(colon + 1).trimEnd();
    const nameProblem = userNameProblem(name);
    if (nameProblem !== undefined) problems.push({ line, column: 1, message: `the user name ${nameProblem}` });
    const first = lineOfName.get(name);
    if (first !== undefined)
      problems.push({ line, column: 1, message: `the user name "${name}" is on line ${first} already` });
    else lineOfName.set(name, line);
    const hashProblem = problemOfHash(password);
    if (hashProblem !== undefined) problems.push({ line, column: colon + 2, message: hashProblem });
    users.push({ name, password });
  }

  if (problems.length === 0) return users;
  const all = problems.map((problem) => `${fileName}:${problem.line}:${problem.column} ${problem.message}`);
  throw new ServerError("ERR_SOCKS_BAD_USERS_FILE", all.join("\n"), { problems });
}

function problemOfHash(text: string): string | undefined {
  try {
    parsePasswordHash(text);
    return undefined;
  } catch (error) {
    if (error instanceof ServerError) return error.message;
    throw error;
  }
}

import { parseUsersFile, ServerError, type UserConfig } from "@sockskit/server";
import { ConfigError, type ConfigProblem } from "./problem.ts";
import { readTextFile } from "./read-file.ts";

/** Longest users file: room for a hundred thousand users. */
const MAX_USERS_FILE_BYTES = 16 * 1024 * 1024;

/** A user and where it was written. */
export interface PlacedUser {
  readonly place: string;
  readonly user: UserConfig;
}

/**
 * Users of `--user NAME:PASSWORD` and `--user NAME:HASH`.
 *
 * @throws ConfigError; no message holds what was written.
 */
export function usersOfFlags(flags: readonly string[]): readonly PlacedUser[] {
  return flags.map((written) => {
    const colon = written.indexOf(":");
    const name = written.slice(0, Math.max(0, colon));
    const password = written.slice(colon + 1);
    if (name === "" || password === "") {
      throw new ConfigError([
        { place: "--user", path: "", message: "expected NAME:PASSWORD or NAME:HASH, neither part empty" },
      ]);
    }
    const isHash = password.startsWith("$scrypt$") || password.startsWith("$argon2id$");
    return { place: "--user", user: { name, password: isHash ? password : { plain: password } } };
  });
}

/**
 * Users of a users file.
 *
 * @throws ConfigError with every mistake of the file.
 */
export function usersOfFile(path: string): readonly PlacedUser[] {
  const text = readTextFile(path, MAX_USERS_FILE_BYTES);
  try {
    return parseUsersFile(text, path).map((user) => ({ place: path, user }));
  } catch (error) {
    if (!(error instanceof ServerError) || error.problems === undefined) throw error;
    throw new ConfigError(
      error.problems.map(({ line, column, message }) => ({ place: `${path}:${line}:${column}`, path: "", message })),
    );
  }
}

/** Names that are there twice, wherever they come from. */
export function duplicateUsers(users: readonly PlacedUser[]): readonly ConfigProblem[] {
  const places = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  for (const { place, user } of users) {
    const first = places.get(user.name);
    if (first === undefined) places.set(user.name, place);
    else
      problems.push({
        place,
        path: "",
        message: `the user ${JSON.stringify(user.name)} is there twice; first at ${first}`,
      });
  }
  return problems;
}

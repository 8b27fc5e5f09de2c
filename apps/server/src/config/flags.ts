import type { Located, Scalar } from "./tree.ts";
import { withValue } from "./tree.ts";

/** What the command line says about the configuration. Each wins over its key in the file. */
export interface ConfigFlags {
  readonly listen?: readonly string[];
  readonly user?: readonly string[];
  readonly auth?: string;
  readonly usersFile?: string;
  readonly allowOpenProxy?: boolean;
  readonly engine?: string;
  readonly workers?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** The tree with what the flags say in it. Passwords of `--user` stay out of it: nothing that prints the tree can show them. */
export function withFlags(tree: Located, flags: ConfigFlags): Located {
  const root: Located = tree.content === null ? { ...tree, content: new Map() } : tree;
  let result = root;
  const set = (flag: string, path: readonly string[], value: Scalar | readonly Scalar[] | undefined): void => {
    if (value !== undefined) result = withValue(result, path, located(flag, value));
  };
  set("--listen", ["listen"], flags.listen);
  set("--auth", ["auth", "methods"], methodsOf(flags));
  set("--users-file", ["auth", "usersFile"], flags.usersFile);
  set("--allow-open-proxy", ["allowOpenProxy"], flags.allowOpenProxy);
  set("--engine", ["engine"], flags.engine);
  set("--workers", ["workers"], flags.workers);
  set("--log-level", ["log", "level"], flags.logLevel);
  set("--log-format", ["log", "format"], flags.logFormat);
  if (flags.user !== undefined) set("--user", ["auth", "users"], []);
  return result;
}

/** With users on the command line and no word about methods, these users are asked for. */
function methodsOf(flags: ConfigFlags): readonly string[] | undefined {
  if (flags.auth !== undefined) return flags.auth.split(",").map((name) => name.trim());
  return flags.user === undefined ? undefined : ["userpass"];
}

function located(place: string, value: Scalar | readonly Scalar[]): Located {
  return {
    place,
    keyPlace: place,
    content: Array.isArray(value)
      ? value.map((entry: Scalar) => ({ place, keyPlace: place, content: entry }))
      : (value as Scalar),
  };
}

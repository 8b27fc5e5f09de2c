import type * as z from "zod";
import type { Config } from "./config.ts";
import { nearest } from "./nearest.ts";
import { ConfigError, type ConfigProblem, formatPath, positionOf } from "./problem.ts";
import { configSchema } from "./schema.ts";
import { find, type Located, plainOf } from "./tree.ts";

/**
 * Validates a configuration and fills in the defaults.
 *
 * @throws ConfigError with every mistake, in the order of the file.
 */
export function validate(tree: Located): Config {
  // An empty file is a map without keys.
  const root: Located = tree.content === null ? { ...tree, content: new Map() } : tree;
  const parsed = configSchema.safeParse(plainOf(root));
  if (parsed.success) return parsed.data;
  const mistyped = parsed.error.issues.flatMap((issue) => mistypedKeys(issue, [], root));
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, [], root, mistyped));
  throw new ConfigError(problems.toSorted((a, b) => orderOf(a) - orderOf(b)));
}

/** Line and column as one number; what comes from flags comes first. */
function orderOf(problem: ConfigProblem): number {
  const [line, column] = positionOf(problem) ?? [0, 0];
  return line * 2 ** 21 + column;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

function problemsOf(issue: Issue, above: Path, root: Located, mistyped: readonly string[]): readonly ConfigProblem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, path, root));
  if (issue.code === "invalid_union") {
    return branchOf(issue, path, root).flatMap((inner) => problemsOf(inner, path, root, mistyped));
  }
  const text = formatPath(path);
  const { node, isExact } = find(root, path);
  // What is missing is there under another name, and that is said already.
  if (mistyped.some((key) => (isExact ? key.startsWith(`${text}.`) : key === text))) return [];
  const params: Readonly<Record<string, unknown>> = issue.code === "custom" ? (issue.params ?? {}) : {};
  if (params["toCome"] !== undefined) {
    const place = params["toCome"] === "key" ? node.keyPlace : node.place;
    return [{ place: place ?? node.place, path: text, found: show(node, path), message: "not supported yet" }];
  }
  const hint = typeof params["suggestion"] === "string" ? `; did you mean ${params["suggestion"]}?` : "";
  const expected = `expected ${expectedBy(issue)}${hint}`;
  return [
    isExact
      ? { place: node.place, path: text, found: show(node, path), message: expected }
      : { place: node.place, path: text, message: `missing; ${expected}` },
  ];
}

/** Paths of the keys that were meant where others are written. */
function mistypedKeys(issue: Issue, above: Path, root: Located): readonly string[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    return branchOf(issue, path, root).flatMap((inner) => mistypedKeys(inner, path, root));
  }
  if (issue.code !== "unrecognized_keys") return [];
  const meant = issue.keys.map((key) => nearest(key, keysAt(configSchema, path)));
  return meant.filter((key) => key !== undefined).map((key) => formatPath([...path, key]));
}

/** An entry that may be text or a map: the mistakes of the form that was begun. */
function branchOf(issue: z.core.$ZodIssueInvalidUnion, path: Path, root: Located): readonly Issue[] {
  const { node, isExact } = find(root, path);
  const isMap = isExact && node.content instanceof Map;
  const branches = issue.errors.map((errors) => ({ errors, isForMap: !errors.some(({ code }) => code === "custom") }));
  const fitting = isMap ? branches.at(-1) : branches[0];
  return fitting?.errors ?? [];
}

function unknownKey(key: string, path: Path, root: Located): ConfigProblem {
  const { node } = find(root, [...path, key]);
  const message = path.length === 0 ? listenerKey(key) : undefined;
  const known = keysAt(configSchema, path);
  const near = nearest(key, known);
  const hint = near === undefined ? `expected one of ${known.join(", ")}` : `did you mean "${near}"?`;
  return {
    place: node.keyPlace ?? node.place,
    path: formatPath([...path, key]),
    message: message ?? `unknown key; ${hint}`,
  };
}

/** What to say of a key that is one of a listener, but stands at the top. */
function listenerKey(key: string): string | undefined {
  const path: Path = ["listen", 0];
  const [listener] = typesAt(configSchema, path).filter(isObject);
  if (listener?._zod.def.shape[key] === undefined) return undefined;
  const isSupported = supportedKeys(listener).includes(key);
  return `this key belongs to an entry of listen (listen[].${key})${isSupported ? "" : ", and is not supported yet"}`;
}

function expectedBy(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return NOUNS[issue.expected] ?? issue.expected;
    case "too_small":
      return `at least ${issue.minimum}`;
    default:
      return issue.message;
  }
}

const NOUNS: Readonly<Record<string, string>> = { object: "a map", array: "a list", string: "text" };

/** `"10 parsecs"`; `undefined` where the value could be a secret. */
function show({ content }: Located, path: Path): string | undefined {
  if (content === null) return "nothing";
  if (typeof content === "object") return content instanceof Map ? "a map" : "a list";
  if (mayBeSecret(String(content), path)) return undefined;
  const text = typeof content === "string" ? JSON.stringify(content) : String(content);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A password can stand where nobody expects one: in the place of a user, in a URL. */
function mayBeSecret(text: string, path: Path): boolean {
  const isUser = path[0] === "auth" && path[1] === "users" && path[3] !== "name" && path[3] !== "groups";
  return isUser || path[0] === "upstreams" || text.includes("://");
}

/** The keys that the schema knows at a path; those that are not supported yet are not recommended. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  return typesAt(schema, path).flatMap((type) => (isObject(type) ? supportedKeys(type) : []));
}

/** What the schema takes at a path. */
function typesAt(schema: z.ZodType, path: Path): readonly z.core.$ZodType[] {
  let current: readonly z.core.$ZodType[] = [schema];
  for (const step of path) current = current.flatMap(alternatives).flatMap((type) => childrenOf(type, step));
  return current.flatMap(alternatives);
}

/** What is inside the wrappers (optional, default, transform) and the branches of a union. */
function alternatives(type: z.core.$ZodType): readonly z.core.$ZodType[] {
  const definition = type._zod.def as {
    type: string;
    innerType?: z.core.$ZodType;
    in?: z.core.$ZodType;
    options?: z.core.$ZodType[];
  };
  const inside = definition.options ?? [definition.innerType ?? definition.in].filter((inner) => inner !== undefined);
  return inside.length === 0 ? [type] : inside.flatMap(alternatives);
}

function childrenOf(type: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  if (isObject(type)) {
    const child = type._zod.def.shape[String(step)];
    return child === undefined ? [] : [child];
  }
  const { element, valueType } = type._zod.def as { element?: z.core.$ZodType; valueType?: z.core.$ZodType };
  return [element, valueType].filter((child) => child !== undefined);
}

function isObject(type: z.core.$ZodType): type is z.core.$ZodObject {
  return type._zod.def.type === "object";
}

function supportedKeys(type: z.core.$ZodObject): readonly string[] {
  return Object.entries(type._zod.def.shape)
    .filter(([, value]) => (value as z.ZodType).meta()?.["toCome"] !== true)
    .map(([key]) => key);
}

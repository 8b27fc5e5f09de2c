import {
  isAlias,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Pair,
  type ParsedNode,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { ConfigError, type ConfigProblem, formatPath } from "./problem.ts";
import type { Located, Scalar } from "./tree.ts";

/** Values in a file, counting each use of an anchor: an alias bomb ends here. */
const MAX_VALUES = 100_000;
/** Lists and maps inside each other. */
const MAX_DEPTH = 64;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Words for the parser's commonest complaints; for others its own message will do. */
const COMPLAINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "this key is in the map twice; expected each key once",
  MULTIPLE_DOCS: "a second document begins here; expected one",
  TAB_AS_INDENT: "a tab is used for indentation; expected spaces",
  TAG_RESOLVE_FAILED: "a tag; expected plain values",
};

/**
 * Reads YAML 1.2 into a tree that knows where everything stands.
 *
 * @throws ConfigError with every mistake that could be found.
 */
export function parseYaml(text: string, fileName: string): Located {
  checkNesting(text, fileName);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, schema: "core", resolveKnownTags: false });
  const placeOf = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const problems = [...document.errors, ...document.warnings].map((fault) => syntaxProblem(fault, text, placeOf));
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== "1.2") {
    problems.push({ place: placeOf(0), path: "", message: "YAML 1.1 is asked for; expected YAML 1.2" });
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const reader = new TreeReader(placeOf);
  const tree = reader.read(document.contents, []);
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return tree;
}

/**
 * The parser recurses, and deep nesting exhausts its stack in ways that end the process. So depth is bounded
 * before it runs, counted the coarse way: indentation and indicators of each line, and brackets that stay open.
 */
function checkNesting(text: string, fileName: string): void {
  let brackets = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const code = line.replace(/(?:^|\s)#.*$/u, "");
    let blocks = 0;
    for (let at = 0; at < code.length; at++) {
      const character = code[at] as string;
      if ("[{".includes(character)) brackets++;
      else if ("]}".includes(character)) brackets = Math.max(0, brackets - 1);
      else if ("-?:".includes(character) && /\s/u.test(code[at + 1] ?? "\n")) blocks++;
      if (brackets <= MAX_DEPTH && blocks <= MAX_DEPTH) continue;
      throw new ConfigError([tooDeep(`${fileName}:${index + 1}:${at + 1}`)]);
    }
    const indentation = code.length - code.trimStart().length;
    if (indentation < code.length && indentation > 2 * MAX_DEPTH)
      throw new ConfigError([tooDeep(`${fileName}:${index + 1}:1`)]);
  }
}

function tooDeep(place: string, path = ""): ConfigProblem {
  return { place, path, message: `too deep; expected at most ${MAX_DEPTH} lists and maps inside each other` };
}

function syntaxProblem(fault: YAMLError, text: string, placeOf: (offset: number) => string): ConfigProblem {
  const message = COMPLAINTS[fault.code] ?? `broken YAML: ${fault.message}`;
  return { place: placeOf(fault.pos[0]), path: "", message: `${message}${excerpt(text, fault.pos[0])}` };
}

/** The offending line, unless it could hold a secret. */
function excerpt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const line = text.slice(start, end < 0 ? undefined : end).trim();
  const isSecret = /pass|secret|token|user|\$scrypt|\$argon|:\/\//iu.test(line);
  return line === "" || isSecret ? "" : ` (in ${JSON.stringify(line.length > 60 ? `${line.slice(0, 57)}...` : line)})`;
}

type Path = readonly (string | number)[];

class TreeReader {
  readonly problems: ConfigProblem[] = [];
  readonly #placeOf: (offset: number) => string;
  readonly #anchors = new Map<string, ParsedNode>();
  /** Collections that are being read, so that none contains itself. */
  readonly #open = new Set<ParsedNode>();
  #aliases = 0;
  #values = 0;

  constructor(placeOf: (offset: number) => string) {
    this.#placeOf = placeOf;
  }

  read(node: ParsedNode | null, path: Path): Located {
    const place = this.#placeOf(node?.range[0] ?? 0);
    if (node === null) return { place, content: null };
    this.#values++;
    if (this.#values === MAX_VALUES) {
      this.#report(place, path, `too many values; expected at most ${MAX_VALUES}, each use of an anchor counted`);
    }
    if (this.#values >= MAX_VALUES) return { place, content: null };
    if (path.length > MAX_DEPTH) {
      this.problems.push(tooDeep(place, formatPath(path)));
      return { place, content: null };
    }
    if (isAlias(node)) return this.#readAlias(node.source, place, path);
    // Within an alias its anchors are the old ones, and do not count again.
    if (node.anchor !== undefined && this.#aliases === 0) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return { place, content: node.value as Scalar };

    if (this.#open.has(node)) {
      this.#report(place, path, "the anchor is inside itself; expected an anchor that ends before it is used");
      return { place, content: null };
    }
    this.#open.add(node);
    const content = isSeq(node)
      ? node.items.map((item, index) => this.read(item, [...path, index]))
      : this.#readMap(node, path);
    this.#open.delete(node);
    return { place, content };
  }

  #readAlias(anchor: string, place: string, path: Path): Located {
    const target = this.#anchors.get(anchor);
    if (target === undefined) {
      this.#report(place, path, `*${anchor} has no anchor &${anchor} before it`);
      return { place, content: null };
    }
    this.#aliases++;
    const located = this.read(target, path);
    this.#aliases--;
    return located;
  }

  #readMap(map: YAMLMap.Parsed, path: Path): ReadonlyMap<string, Located> {
    const entries = new Map<string, Located>();
    for (const pair of map.items) {
      const keyPlace = this.#placeOf(pair.key.range[0]);
      const key = this.#keyOf(pair, keyPlace, path);
      if (key !== undefined) entries.set(key, { ...this.read(pair.value, [...path, key]), keyPlace });
    }
    return entries;
  }

  #keyOf({ key }: Pair<ParsedNode, ParsedNode | null>, place: string, path: Path): string | undefined {
    if (!isScalar(key)) {
      this.#report(place, path, "a list, a map or an alias is used as a key; expected a word");
      return undefined;
    }
    const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
    if (name === "<<") {
      this.#report(place, path, "merge keys (<<) are not part of YAML 1.2; expected the keys themselves");
      return undefined;
    }
    if (FORBIDDEN_KEYS.has(name)) {
      this.#report(place, path, `the key ${JSON.stringify(name)} is refused`);
      return undefined;
    }
    return name;
  }

  #report(place: string, path: Path, message: string): void {
    this.problems.push({ place, path: formatPath(path), message });
  }
}

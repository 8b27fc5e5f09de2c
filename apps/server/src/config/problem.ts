import { safeText } from "../log/safe-text.ts";

/** One mistake in the configuration. */
export interface ConfigProblem {
  /** Where: `sockskit.yaml:14:5`, or the flag, `--listen`. */
  readonly place: string;
  /** Path of keys and indices, `rules[2].allow.ports[0]`; empty for the whole file. */
  readonly path: string;
  /** What was written, where it may be shown: `"1080x"`, `a list`. */
  readonly found?: string | undefined;
  /** What is wrong, what was expected. */
  readonly message: string;
}

/** A configuration that cannot be used, with every mistake in it. `code` is `ERR_SOCKS_BAD_CONFIG`. */
export class ConfigError extends Error {
  /** Always `"ConfigError"`. */
  override readonly name = "ConfigError";
  /** Stable code, for programs. */
  readonly code = "ERR_SOCKS_BAD_CONFIG" as const;
  /** Every mistake, in the order of the file. */
  readonly problems: readonly ConfigProblem[];

  /** Makes one error of all mistakes; its message has one line for each. */
  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/**
 * On one printable line. Inside a file: `sockskit.yaml:14:5 rules[2].allow.port: unknown key; did you mean "ports"?`.
 * Elsewhere, about a flag or a whole file: `--listen "1080x": expected ...`, `sockskit.yaml: there is no such file`.
 */
export function formatProblem(problem: ConfigProblem): string {
  const { place, path, found, message } = problem;
  if (positionOf(problem) === undefined) {
    return safeText(`${place}${found === undefined ? "" : ` ${found}`}: ${message}`);
  }
  const where = path === "" ? place : `${place} ${path}:`;
  return safeText(`${where} ${found === undefined ? "" : `found ${found}, `}${message}`);
}

/** Line and column of a mistake inside a file. */
export function positionOf({ place }: ConfigProblem): readonly [line: number, column: number] | undefined {
  const [, line, column] = place.startsWith("--") ? [] : (/:(\d+):(\d+)$/u.exec(place) ?? []);
  return line === undefined ? undefined : [Number(line), Number(column)];
}

/** `rules[2].allow.ports[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : `${text === "" ? "" : "."}${String(step)}`;
  return text;
}

/** Codes of {@link PolicyError}. */
export type PolicyErrorCode = "ERR_SOCKS_BAD_RULE";

/** One mistake in a {@link PolicyConfig}, located by its path. */
export interface RuleProblem {
  /** Where it is: `["rules", 2, "ports", 0]` is the first port of the third rule. */
  readonly path: readonly (string | number)[];
  /** The offending value as text, cut at 80 characters. */
  readonly found: string;
  /** What would have been right there. */
  readonly expected: string;
  /** What to write instead, where one guess stands out. */
  readonly suggestion?: string;
}

/**
 * Rules that mean nothing. `code` is `ERR_SOCKS_BAD_RULE`, `side` is `"local"`:
 * whoever wrote the rules made the mistake.
 */
export class PolicyError extends Error {
  /** Always `"PolicyError"`. */
  override readonly name = "PolicyError";
  /** Stable code, for programs. */
  readonly code: PolicyErrorCode = "ERR_SOCKS_BAD_RULE";
  /** Whose fault it is: always `"local"`. */
  readonly side = "local" as const;
  /** Path of the first mistake. */
  readonly path: readonly (string | number)[];
  /** What would have been right at {@link PolicyError.path}. */
  readonly expected: string;
  /** Every mistake found, in the order of the rules. */
  readonly problems: readonly RuleProblem[];

  /** Makes one error of all mistakes; the message names the first and counts the others. */
  constructor(problems: readonly [RuleProblem, ...RuleProblem[]]) {
    const [first, ...others] = problems;
    super(describeProblem(first) + (others.length === 0 ? "" : ` (and ${others.length} more)`));
    this.path = first.path;
    this.expected = first.expected;
    this.problems = problems;
  }
}

/** `rules[2].ports[0]: "eighty" is not a port; expected ...`. */
function describeProblem(problem: RuleProblem): string {
  const hint = problem.suggestion === undefined ? "" : `; did you mean ${problem.suggestion}?`;
  return `${formatPath(problem.path)}: found ${problem.found}, expected ${problem.expected}${hint}`;
}

function formatPath(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : text === "" ? step : `.${step}`;
  return text;
}

/** A value as text for {@link RuleProblem.found}: on one line, printable, never long. */
export function showValue(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (Array.isArray(value)) text = value.length === 0 ? "an empty list" : "a list";
  else if (typeof value === "object" && value !== null) text = "a map";
  else text = String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

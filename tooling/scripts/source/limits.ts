// docs/limits.md is complete and right: it is compared with the bounds and defaults in the sources.
import ts from "typescript";
import { lineAt, type Files, type Problem, type Rule } from "./problem.ts";

const TABLE = "docs/limits.md";
const PUBLISHED_SOURCE = /^((?:packages\/(?!testing\/)|apps\/)[^/]+)\/src\/.+(?<!\.d)\.ts$/;
const CONSTANT = /^(MAX|MIN|DEFAULT)_|_(MS|LIMIT|TABLE_SIZE)$/;
const OPTION = /(Ms|Octets|Bytes|Count|Limit|Length|concurrency|[a-z]Size)$/;

const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "**": (left, right) => left ** right,
  "<<": (left, right) => left << right,
};

/** A bound or default: `MAX_NAME_LENGTH`, `DEFAULT_TIMEOUTS.idleMs`, `timeoutMs`. */
interface Limit {
  readonly folder: string;
  readonly name: string;
  /** `undefined`: it is not written as a number. */
  readonly value: number | undefined;
  readonly file: string;
  readonly line: number;
}

/** Every bound and default deadline of the published sources stands in docs/limits.md with its value. */
export const limitTable: Rule = function* (files: Files) {
  const rows = tableRows(files.get(TABLE) ?? "");
  const limits = sourceLimits(files);
  for (const { folder, name, value, file, line } of limits) {
    const row = rows.find(
      (candidate) => candidate.folder === folder && candidate.name === name && candidate.value === value,
    );
    if (row !== undefined) continue;
    yield problem(file, line, `${name} = ${value ?? "not a plain number"} is not in ${TABLE} under ${folder}`);
  }
  for (const { folder, name, value, line } of rows) {
    if (limits.some((limit) => limit.folder === folder && limit.name === name && limit.value === value)) continue;
    yield problem(TABLE, line, `the sources of ${folder} have no ${name} = ${value}`);
  }
};

/** Bounds and defaults that the sources write down, each once per package. */
export function sourceLimits(files: Files): Limit[] {
  const found = new Map<string, Limit>();
  for (const [file, text] of files) {
    const folder = PUBLISHED_SOURCE.exec(file)?.[1];
    if (folder === undefined) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const constants = new Map<string, number>();
    for (const [name, node, value] of [...constantsOf(source, constants), ...defaultsOf(source, constants)]) {
      const limit = { folder, name, value, file, line: lineAt(text, node.getStart(source)) };
      const key = `${folder} ${name} ${value}`;
      if (!found.has(key)) found.set(key, limit);
    }
  }
  return [...found.values()];
}

type Found = readonly [name: string, node: ts.Node, value: number | undefined];

// Constants of the module: single numbers, and tables of numbers such as DEFAULT_TIMEOUTS.
function* constantsOf(source: ts.SourceFile, constants: Map<string, number>): Iterable<Found> {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!ts.isIdentifier(name) || initializer === undefined || !/^[A-Z][A-Z0-9_]+$/.test(name.text)) continue;
      const value = fold(initializer, constants);
      if (value !== undefined) constants.set(name.text, value);
      const table = ts.isSatisfiesExpression(initializer) ? initializer.expression : initializer;
      if (ts.isObjectLiteralExpression(table) && name.text.startsWith("DEFAULT_")) {
        for (const entry of table.properties) {
          if (!ts.isPropertyAssignment(entry)) continue;
          const number = fold(entry.initializer, constants);
          if (number !== undefined) yield [`${name.text}.${entry.name.getText(source)}`, entry, number];
        }
      } else if (CONSTANT.test(name.text) && (value !== undefined || mayBeNumber(initializer)))
        yield [name.text, name, value];
    }
  }
}

// Defaults of options: `options.timeoutMs ?? 30_000` and `{ timeoutMs = 30_000 }`.
function* defaultsOf(node: ts.Node, constants: ReadonlyMap<string, number>): Iterable<Found> {
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) {
    const option = ts.isPropertyAccessExpression(node.left) ? node.left.name.text : node.left.getText();
    if (OPTION.test(option) && ts.isNumericLiteral(node.right)) yield [option, node, fold(node.right, constants)];
  }
  if (ts.isBindingElement(node) || ts.isParameter(node)) {
    const option = ((ts.isBindingElement(node) ? node.propertyName : undefined) ?? node.name).getText();
    if (OPTION.test(option) && node.initializer !== undefined && ts.isNumericLiteral(node.initializer)) {
      yield [option, node, fold(node.initializer, constants)];
    }
  }
  for (const child of node.getChildren()) yield* defaultsOf(child, constants);
}

function fold(node: ts.Expression, constants: ReadonlyMap<string, number>): number | undefined {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return fold(node.expression, constants);
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isIdentifier(node)) return constants.get(node.text);
  if (ts.isBinaryExpression(node)) {
    const left = fold(node.left, constants);
    const right = fold(node.right, constants);
    if (left === undefined || right === undefined) return undefined;
    return ARITHMETIC[node.operatorToken.getText()]?.(left, right);
  }
  return undefined;
}

function mayBeNumber(node: ts.Expression): boolean {
  return ts.isBinaryExpression(node) || ts.isIdentifier(node) || ts.isPropertyAccessExpression(node);
}

// Rows `| name | 30,000 ... | meaning |` under headings that name a folder: "## packages/dial".
function tableRows(text: string): { folder: string; name: string; value: number; line: number }[] {
  let folder = "";
  return text.split("\n").flatMap((line, index) => {
    folder = /^##+ .*?((?:packages|apps)\/[a-z-]+)/.exec(line)?.[1] ?? folder;
    const row = /^\| *`([^`]+)` *\| *([0-9][0-9,.]*)/.exec(line);
    if (row === null) return [];
    return [{ folder, name: row[1] ?? "", value: Number(row[2]?.replaceAll(",", "")), line: index + 1 }];
  });
}

function problem(file: string, line: number, message: string): Problem {
  return { file, line, rule: "limit-table", message };
}

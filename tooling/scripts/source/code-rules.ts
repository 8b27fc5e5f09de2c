// Rules about the published sources that need a syntax tree: what oxlint has no rule for.
import ts from "typescript";
import type { Files, Problem, Rule } from "./problem.ts";

const PUBLISHED_SOURCE = /^(packages\/(?!testing\/)|apps\/)[^/]+\/src\/.+\.ts$/;
const TEXT_SEARCHES = new Set(["includes", "startsWith", "endsWith", "match", "search", "indexOf"]);

/** Rules about single statements and names in published sources. */
export const codeRules: Rule = function* (files: Files) {
  for (const [path, text] of files) {
    if (!PUBLISHED_SOURCE.test(path)) continue;
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    if (path.endsWith("/src/index.ts")) yield* indexProblems(source);
    for (const node of walk(source)) yield* nodeProblems(node, source);
  }
};

function* indexProblems(source: ts.SourceFile): Iterable<Problem> {
  if (!source.text.includes("@packageDocumentation")) {
    yield at(source, source, "package-documentation", "add a package documentation comment with @packageDocumentation");
  }
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) continue;
    yield at(statement, source, "index-exports-only", "an index file holds named exports and nothing else");
  }
}

function* nodeProblems(node: ts.Node, source: ts.SourceFile): Iterable<Problem> {
  if (ts.isExportDeclaration(node) && (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))) {
    yield at(node, source, "export-star", "name each export: the public surface is a list");
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "Error") {
    yield at(node, source, "bare-error", "use the package's error class: every error has a stable code");
  }
  if (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    TEXT_SEARCHES.has(node.expression.name.text) &&
    ts.isPropertyAccessExpression(node.expression.expression) &&
    node.expression.expression.name.text === "message"
  ) {
    yield at(node, source, "message-match", "decide by the error's code: messages are for people and may change");
  }
  if (
    (ts.isPropertySignature(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node)) &&
    ts.isIdentifier(node.name) &&
    /[a-z0-9]_[a-z0-9]/i.test(node.name.text)
  ) {
    yield at(node, source, "underscore-name", `write "${node.name.text}" in camelCase, with its unit as a suffix`);
  }
}

function* walk(node: ts.Node): Iterable<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* walk(child);
}

function at(node: ts.Node, source: ts.SourceFile, rule: string, message: string): Problem {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return { file: source.fileName, line: line + 1, rule, message };
}

// Checks what the linter cannot: names, documents, built files. `npm run lint:source`.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { codeRules } from "./source/code-rules.ts";
import { docsIndex, links, readmeOrder } from "./source/document-rules.ts";
import { builtCore, fileLength, fileNames, machinePaths, wireReferences } from "./source/file-rules.ts";
import { limitTable } from "./source/limits.ts";
import type { Files, Problem, Rule } from "./source/problem.ts";

const TEXT = /(\.(ts|mjs|js|json|md|ya?ml|sh|py|c|h|conf|txt)|^\.ci\/run|(^|\/)LICENSE)$/;
const root = resolve(import.meta.dirname, "../..");
const rules: readonly Rule[] = [
  codeRules,
  fileNames,
  fileLength,
  machinePaths,
  wireReferences,
  builtCore,
  readmeOrder,
  links,
  docsIndex,
  limitTable,
];

const files = repositoryFiles();
const problems = rules.flatMap((rule) => [...rule(files)]);
for (const found of problems.toSorted(byPlace)) {
  console.error(`${found.file}:${found.line} ${found.rule}: ${found.message}`);
}
console.log(`${files.size} files, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

// What git tracks or would track, and what was built.
function repositoryFiles(): Files {
  const flags = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const known = execFileSync("git", flags, { encoding: "utf8", maxBuffer: 1 << 26 }).split("\0");
  const paths = [...known, ...globSync("packages/*/dist/**/*.js", { cwd: root })];
  const kept = paths.filter((path) => path !== "" && path !== "pnpm-lock.yaml" && existsSync(join(root, path)));
  return new Map(
    kept.map((path) => [path.replaceAll("\\", "/"), TEXT.test(path) ? readFileSync(join(root, path), "utf8") : ""]),
  );
}

function byPlace(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line;
}

// Rules about the Markdown files.
import { posix } from "node:path";
import { lineAt, type Files, type Problem, type Rule } from "./problem.ts";

const PACKAGE_README = /^(packages\/(?!testing\/)|apps\/)[^/]+\/README\.md$/;
const LINK = /\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)/gm;
const DOCS_INDEX = "docs/README.md";

/** The sections of a package README, in order. */
const README_ORDER: readonly (readonly [name: string, heading: RegExp])[] = [
  ["Install", /^install/i],
  ["Example", /^(smallest )?example|^use|^usage/i],
  ["What it does not do", /does not do/i],
  ["Limits", /^limits/i],
  ["Errors", /^errors/i],
  ["API", /^api/i],
  ["Licence", /^licen[cs]e/i],
];

/** Package READMEs answer the same questions in the same order. */
export const readmeOrder: Rule = function* (files: Files) {
  for (const [path, text] of files) {
    if (!PACKAGE_README.test(path)) continue;
    const headings = [...withoutCode(text).matchAll(/^## +(.+)$/gm)];
    let after = -1;
    for (const [name, pattern] of README_ORDER) {
      const found = headings.findIndex((heading) => pattern.test(heading[1] ?? ""));
      if (found < 0) yield problem(path, 1, "readme-order", `the section "${name}" is missing`);
      else if (found < after) {
        yield problem(path, lineAt(text, headings[found]?.index ?? 0), "readme-order", `"${name}" comes too late`);
      } else after = found;
    }
  }
};

/** Links inside the repository lead somewhere. */
export const links: Rule = function* (files: Files) {
  const paths = new Set(files.keys());
  const folders = new Set([...paths].flatMap(parents));
  for (const [path, text] of files) {
    if (!path.endsWith(".md")) continue;
    const prose = withoutCode(text);
    for (const match of prose.matchAll(LINK)) {
      const link = match[1] ?? match[2] ?? "";
      if (/^[a-z][a-z0-9+.-]*:/i.test(link)) continue;
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : posix.join(posix.dirname(path), decodeURI(file)).replace(/\/$/, "");
      const line = lineAt(prose, match.index);
      if (!paths.has(target) && !folders.has(target)) {
        yield problem(path, line, "dead-link", `"${link}" leads nowhere`);
      } else if (anchor !== undefined && target.endsWith(".md") && !anchorsOf(files.get(target) ?? "").has(anchor)) {
        yield problem(path, line, "dead-link", `"${link}": no heading of ${target} makes the anchor #${anchor}`);
      }
    }
  }
};

/** Every page of docs/ can be found from its index. */
export const docsIndex: Rule = function* (files: Files) {
  const index = files.get(DOCS_INDEX) ?? "";
  for (const path of files.keys()) {
    const page = /^docs\/([^/]+\.md)$/.exec(path)?.[1];
    if (page === undefined || path === DOCS_INDEX || index.includes(`](${page})`)) continue;
    yield problem(path, 1, "docs-index", `link this page from ${DOCS_INDEX}`);
  }
};

// Fenced code becomes blank lines: line numbers stay as they are.
function withoutCode(text: string): string {
  return text
    .replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, (block) => block.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
}

// The anchors that GitHub makes of headings.
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ +(.+?) *#*$/gm)) {
    const words = (heading[1] ?? "").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    const anchor = words.replace(/\s/g, "-");
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again += 1) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

function parents(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === "." ? ["."] : [parent, ...parents(parent)];
}

function problem(file: string, line: number, rule: string, message: string): Problem {
  return { file, line, rule, message };
}

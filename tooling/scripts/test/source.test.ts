import { describe, expect, test } from "vitest";
import { codeRules } from "../source/code-rules.ts";
import { docsIndex, links, readmeOrder } from "../source/document-rules.ts";
import { builtCore, fileLength, fileNames, machinePaths, wireReferences } from "../source/file-rules.ts";
import { limitTable } from "../source/limits.ts";
import type { Rule } from "../source/problem.ts";

const SOURCE = "packages/dial/src/chain.ts";
const INDEX = "packages/dial/src/index.ts";

// Runs a rule over planted files; one "file:line rule" per problem.
function found(rule: Rule, planted: Record<string, string>): string[] {
  return [...rule(new Map(Object.entries(planted)))].map(
    (problem) => `${problem.file}:${problem.line} ${problem.rule}`,
  );
}

describe("published sources", () => {
  test.each([
    ["export-star", 'export * from "./a.ts";'],
    ["export-star", 'export * as all from "./a.ts";'],
    ["bare-error", 'throw new Error("no");'],
    ["bare-error", 'socket.destroy(new Error("no"));'],
    ["message-match", 'if (error.message.includes("refused")) retry();'],
    ["message-match", "if (error.cause.message.match(/refused/)) retry();"],
    ["underscore-name", "interface Options { readonly timeout_ms: number }"],
    ["underscore-name", "function dial(max_hops: number) {}"],
  ])("%s: %s", (rule, line) => {
    expect(found(codeRules, { [SOURCE]: `\n${line}\n` })).toEqual([`${SOURCE}:2 ${rule}`]);
  });

  test.each([
    'export { a } from "./a.ts";',
    'throw new DialError("ERR_SOCKS_TIMEOUT", "no");',
    '// throw new Error("in a comment")\nconst text = "new Error(";',
    'if (error.code === "ECONNREFUSED") retry();',
    'if (message.includes("text of a user")) retry();',
    "const MAX_HOPS = 4; function dial(_unused: number) {}",
  ])("in order: %s", (line) => {
    expect(found(codeRules, { [SOURCE]: line })).toEqual([]);
  });

  test("tests and private packages may throw plain errors", () => {
    const text = 'throw new Error("no");';
    expect(found(codeRules, { "packages/dial/test/a.test.ts": text, "packages/testing/src/a.ts": text })).toEqual([]);
  });

  test("an index file has package documentation and only exports", () => {
    const text = "/** About. */\nexport const a = 1;\n";
    expect(found(codeRules, { [INDEX]: text })).toEqual([
      `${INDEX}:2 package-documentation`,
      `${INDEX}:2 index-exports-only`,
    ]);
    expect(found(codeRules, { [INDEX]: '/** About. @packageDocumentation */\nexport { a } from "./a.ts";' })).toEqual(
      [],
    );
  });
});

describe("files", () => {
  test.each(["string-utils.ts", "helpers.ts", "common.ts", "misc.mjs", "session-manager.ts", "test/helper.ts"])(
    "vague name: %s",
    (name) => expect(found(fileNames, { [`apps/cli/src/${name}`]: "" })).toEqual([`apps/cli/src/${name}:1 vague-name`]),
  );

  test.each(["userPass.ts", "User-pass.ts", "user_pass.md"])("not in kebab-case: %s", (name) => {
    expect(found(fileNames, { [`docs/${name}`]: "" })).toEqual([`docs/${name}:1 kebab-case`]);
  });

  test.each(["README.md", "user-pass.test.ts", "0001-toolchain.md", "socks5.ts", ".oxlintrc.json"])(
    "in order: %s",
    (name) => {
      expect(found(fileNames, { [`docs/${name}`]: "" })).toEqual([]);
    },
  );

  test("400 lines are the limit", () => {
    expect(found(fileLength, { "a.ts": "x;\n".repeat(400), "docs/a.md": "x\n".repeat(401) })).toEqual([]);
    expect(found(fileLength, { "a.ts": "x;\n".repeat(401) })).toEqual(["a.ts:401 long-file"]);
  });

  test("no path of one machine", () => {
    // Put together here, so that this file itself passes.
    const places = ["work/main", "root/.ssh", "home/alice", "Users/alice"].map((place) => `see /${place} now`);
    for (const text of [...places, ["[design](..", "shared/design)"].join("/")]) {
      expect(found(machinePaths, { "docs/a.md": `\n${text}` }), text).toEqual(["docs/a.md:2 machine-path"]);
    }
    expect(
      found(machinePaths, { "docs/a.md": "https://example.com/work/1, ~/work/x, docs/work/y, /etc/hosts" }),
    ).toEqual([]);
  });

  test("message files of wire name their specification", () => {
    const path = "packages/wire/src/socks5/reply.ts";
    expect(found(wireReferences, { [path]: "export const a = 1;" })).toEqual([`${path}:1 rfc-reference`]);
    expect(found(wireReferences, { [path]: "/** RFC 1928 section 6. */" })).toEqual([]);
    expect(found(wireReferences, { "packages/wire/src/address.ts": "" })).toEqual([]);
  });

  test("built core files import nothing of Node", () => {
    const path = "packages/wire/dist/index.js";
    for (const text of [
      'import { a } from "node:net";',
      'import "fs";',
      'await import("node:os")',
      'export { a } from "x";',
    ]) {
      expect(found(builtCore, { [path]: text }), text).toEqual([`${path}:1 core-import`]);
    }
    const own = 'import { a } from "./a.js";\nimport { b } from "@sockskit/wire";\nfail(`differs from "UTF-8"`);';
    expect(found(builtCore, { [path]: own })).toEqual([]);
    expect(found(builtCore, {}), "nothing built").toEqual(["packages:1 core-import"]);
  });
});

describe("documents", () => {
  const README = "packages/dial/README.md";
  const sections = ["Install", "Example", "What it does not do", "Limits", "Errors", "API", "Licence"];
  const readme = (headings: readonly string[]): string =>
    headings.map((heading) => `## ${heading}\n\ntext\n`).join("\n");

  test("a package README has its sections in order", () => {
    expect(found(readmeOrder, { [README]: readme(sections) })).toEqual([]);
    expect(found(readmeOrder, { [README]: readme(sections.slice(1)) })).toEqual([`${README}:1 readme-order`]);
    const swapped = readme([...sections.slice(0, 3), "Errors", "Limits", "API", "Licence"]);
    expect(found(readmeOrder, { [README]: swapped })).toEqual([`${README}:13 readme-order`]);
    expect(found(readmeOrder, { "docs/guide.md": "## Free" })).toEqual([]);
  });

  test("a heading inside a code block is no heading", () => {
    const text = `\`\`\`sh\n## Install\n\`\`\`\n${readme(sections.slice(1))}`;
    expect(found(readmeOrder, { [README]: text })).toEqual([`${README}:1 readme-order`]);
  });

  test("links inside the repository lead somewhere", () => {
    const pages = { "docs/limits.md": "# Limits\n\n## The `wire` package\n", LICENSE: "" };
    const text = (link: string): Record<string, string> => ({ ...pages, "docs/a.md": `# A\n\nsee [it](${link})\n` });
    for (const link of [
      "limits.md",
      "./limits.md#the-wire-package",
      "../LICENSE",
      "../docs/",
      "#a",
      "https://a.example/x.md",
    ]) {
      expect(found(links, text(link)), link).toEqual([]);
    }
    for (const link of ["limit.md", "limits.md#the-wire-pack", "../LICENCE", "#b"]) {
      expect(found(links, text(link)), link).toEqual(["docs/a.md:3 dead-link"]);
    }
    expect(found(links, { "docs/a.md": "`[it](x.md)`\n\n```md\n[it](y.md)\n```\n" })).toEqual([]);
  });

  test("each page of docs is in its index", () => {
    const index = { "docs/README.md": "[Limits](limits.md)" };
    expect(found(docsIndex, { ...index, "docs/limits.md": "", "docs/decisions/0001-a.md": "" })).toEqual([]);
    expect(found(docsIndex, { ...index, "docs/new.md": "" })).toEqual(["docs/new.md:1 docs-index"]);
  });
});

describe("limits", () => {
  const source = `
const MAX_NAME_LENGTH = 0xff;
export const MAX_REPLY_LENGTH: number = 4 + 1 + MAX_NAME_LENGTH + 2;
export const DEFAULT_TIMEOUTS = { idleMs: 3_600_000 } satisfies Timeouts;
const GREETING = 5;
export function dial({ timeoutMs = 30_000, port = 1080 }: Options): void {
  const limit = options.queueLimit ?? 128;
}
`;
  const table = `# Limits

## Addresses: packages/dial

| Name | Value | Bounds |
|---|---|---|
| \`MAX_NAME_LENGTH\` | 255 | a name |
| \`MAX_REPLY_LENGTH\` | 262 | a reply |
| \`DEFAULT_TIMEOUTS.idleMs\` | 3,600,000 (1 h) | silence |
| \`timeoutMs\` | 30,000 (30 s) | the whole |
| \`queueLimit\` | 128 | waiting |
`;

  test("a complete table passes", () => {
    expect(found(limitTable, { [SOURCE]: source, "docs/limits.md": table })).toEqual([]);
  });

  test("a missing row, another value and a row without a source are found", () => {
    expect(found(limitTable, { [SOURCE]: source, "docs/limits.md": table.replace(/.*timeoutMs.*\n/, "") })).toEqual([
      `${SOURCE}:6 limit-table`,
    ]);
    expect(found(limitTable, { [SOURCE]: source, "docs/limits.md": table.replace("255", "256") })).toEqual([
      `${SOURCE}:2 limit-table`,
      "docs/limits.md:7 limit-table",
    ]);
    expect(
      found(limitTable, { [SOURCE]: source, "docs/limits.md": table.replace("packages/dial", "packages/url") }),
    ).toHaveLength(10);
  });
});

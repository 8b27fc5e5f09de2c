import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

// The linter's configuration on planted files: each of our own rules must bite where it should.
const root = resolve(import.meta.dirname, "../../..");
const scratch: string[] = [];

afterEach(() => {
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("the core and protocol layers", () => {
  test.each([
    ["a node: module", 'import { connect } from "node:net";\nexport { connect };', "no-restricted-imports"],
    ["a dependency", 'import { z } from "zod";\nexport { z };', "no-restricted-imports"],
    ["a package above", 'import { connect } from "@sockskit/dial";\nexport { connect };', "no-restricted-imports"],
    ["Buffer", "export const a: unknown = Buffer;", "no-restricted-globals"],
    ["a timer", "setTimeout(() => undefined, 1);\nexport {};", "no-restricted-globals"],
    ["the clock", "export const a: number = Date.now();", "no-restricted-globals"],
    ["a date", "export const a: unknown = new Date();", "no-restricted-globals"],
    ["another clock", "export const a: number = performance.now();", "no-restricted-globals"],
    ["chance", "export const a: number = Math.random();", "no-restricted-properties"],
    ["the process", "export const a: unknown = process.env;", "no-restricted-globals"],
    ["the console", 'console.log("x");\nexport {};', "no-console"],
  ])("have no %s", (_what, text, rule) => {
    for (const name of ["wire", "url", "auth", "handshake", "policy"]) {
      expect(lint({ [`packages/${name}/src/a.ts`]: text }), name).toContain(rule);
    }
  });

  test("use each other, their own files and what every platform has", () => {
    const text =
      'import { a } from "@sockskit/wire";\nimport { b } from "./b.ts";\nexport const c = [a, b, new TextEncoder()];';
    expect(lint({ "packages/auth/src/a.ts": text, "packages/auth/src/b.ts": "export const b = 1;" })).toEqual([]);
  });

  test("are free in their tests", () => {
    const text = 'import { readFileSync } from "node:fs";\nexport const a = [readFileSync, Buffer, Date.now()];';
    expect(lint({ "packages/wire/test/a.ts": text })).toEqual([]);
  });
});

describe("every package", () => {
  test.each([
    [
      "another package's sources",
      "packages/dial/src/a.ts",
      'import { a } from "@sockskit/wire/src/a.ts";\nexport { a };',
    ],
    ["another package's output", "apps/cli/src/a.ts", 'import { a } from "@sockskit/wire/dist/a.js";\nexport { a };'],
    ["another package by path", "packages/dial/src/a.ts", 'import { a } from "../../wire/src/a.ts";\nexport { a };'],
    [
      "the same in a test",
      "tests/integration/test/a.ts",
      'import { a } from "../../../packages/wire/src/a.ts";\nexport { a };',
    ],
    ["a test tool", "packages/dial/src/a.ts", 'import { a } from "vitest";\nexport { a };'],
    ["private checks", "packages/dial/src/a.ts", 'import { a } from "@sockskit/testing";\nexport { a };'],
  ])("does not import %s", (_what, path, text) => {
    expect(lint({ [path]: text })).toEqual(["no-restricted-imports"]);
  });

  test("imports no circles", () => {
    const a = 'import { b } from "./b.ts";\nexport const a = (): unknown => b;';
    const b = 'import { a } from "./a.ts";\nexport const b = (): unknown => a;';
    expect(lint({ "packages/dial/src/a.ts": a, "packages/dial/src/b.ts": b })).toEqual(["no-cycle"]);
  });

  test("has no file over 400 lines, no any and no unfinished work", () => {
    expect(lint({ "packages/dial/src/a.ts": `export const a = 1;\n${"// text\n".repeat(400)}` })).toEqual([
      "max-lines",
    ]);
    expect(lint({ "packages/dial/src/a.ts": "export const a = (b: any): unknown => b;" })).toEqual(["no-explicit-any"]);
    // Put together here, so that this file itself passes.
    const later = ["TO", "DO"].join("");
    expect(lint({ "packages/dial/src/a.ts": `// ${later}: finish\nexport const a = 1;` })).toEqual([
      "no-warning-comments",
    ]);
  });
});

// The names of the rules that were broken, each once.
function lint(planted: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "sockskit-lint-"));
  scratch.push(folder);
  cpSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  for (const [path, text] of Object.entries(planted)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--format=json"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 15_000,
  });
  expect(stderr).toBe("");
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
  return [...new Set(diagnostics.map(({ code }) => code.replace(/^.*\((.*)\)$/, "$1")))].toSorted();
}

import { describe, expect, test } from "vitest";
import { manifestProblems, type Manifest } from "../publish/manifest-rules.ts";
import { compareFiles, expectedFiles } from "../publish/packed-files.ts";

describe("packed files", () => {
  test("follow from the sources", () => {
    expect(expectedFiles(["src/index.ts", "src/platform.d.ts"], ["package.json"])).toEqual([
      "dist/index.d.ts",
      "dist/index.d.ts.map",
      "dist/index.js",
      "dist/index.js.map",
      "package.json",
      "src/index.ts",
      "src/platform.d.ts",
    ]);
  });

  test("a planted test file and a missing document are found", () => {
    expect(compareFiles(["package.json", "test/a.test.ts", "dist/old.js"], ["README.md", "package.json"])).toEqual([
      "the tarball lacks README.md",
      "the tarball must not hold test/a.test.ts",
      "the tarball must not hold dist/old.js; delete dist and build again",
    ]);
  });
});

describe("manifests", () => {
  const good: Manifest = {
    name: "@sockskit/wire",
    version: "1.0.0",
    type: "module",
    license: "MIT",
    sideEffects: false,
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./package.json": "./package.json" },
    engines: { node: "^22.18.0 || ^24.11.0 || >=26.0.0" },
    repository: { directory: "packages/wire" },
    publishConfig: { access: "public", provenance: true },
    dependencies: { "@sockskit/auth": "^1.0.0" },
  };

  test("a good one passes", () => {
    expect(manifestProblems(good, "packages/wire")).toEqual([]);
  });

  test.each<[string, Partial<Manifest>]>([
    ['"type" must be', { type: "commonjs" }],
    ['"license" must be', { license: "ISC" }],
    ['"sideEffects" must be', { sideEffects: true }],
    ['"engines.node" must be', { engines: { node: ">=20" } }],
    ['"repository.directory" must be', { repository: { directory: "packages/url" } }],
    ['"publishConfig.access" must be', { publishConfig: { access: "restricted", provenance: true } }],
    ['"publishConfig.provenance" must be', { publishConfig: { access: "public" } }],
    ['"types" must come first', { exports: { ".": { default: "./dist/index.js", types: "./dist/index.d.ts" } } }],
    ['"left-pad" is not allowed', { dependencies: { "left-pad": "^1.0.0" } }],
    ['no "postinstall" script', { scripts: { postinstall: "node evil.js" } }],
  ])("%s", (problem, change) => {
    expect(manifestProblems({ ...good, ...change }, "packages/wire")).toEqual([expect.stringContaining(problem)]);
  });
});

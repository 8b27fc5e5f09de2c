import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MAX_IDENT_LINE_LENGTH, MAX_USER_ID_LENGTH } from "../src/index.ts";

const folder = new URL("../", import.meta.url);
const page = readFileSync(new URL("README.md", folder), "utf8");

test("the example of the README prints what it says", () => {
  const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", example], { cwd: folder, encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(promised.length).toBeGreaterThan(0);
  expect(run.stdout.trimEnd().split("\n")).toEqual(promised);
});

test("the README lists every limit with its value", () => {
  const listed = [...page.matchAll(/^\| .*`([A-Z_]+)` +\| ([\d,]+) /gm)].map(([, name, value]) => [
    name,
    Number(value?.replaceAll(",", "")),
  ]);
  expect(Object.fromEntries(listed)).toEqual({ MAX_IDENT_LINE_LENGTH, MAX_USER_ID_LENGTH });
});

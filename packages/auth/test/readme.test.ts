import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const folder = new URL("../", import.meta.url);
const page = readFileSync(new URL("README.md", folder), "utf8");

const examples = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, example = ""]) => example);

test.each(examples)("an example of the README prints what it says: %#", (example) => {
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", example], { cwd: folder, encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(promised.length).toBeGreaterThan(0);
  expect(run.stdout.trimEnd().split("\n")).toEqual(promised);
});

test("there are examples", () => {
  expect(examples).toHaveLength(2);
});

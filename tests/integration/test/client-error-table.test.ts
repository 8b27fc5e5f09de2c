import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const CODE = /ERR_SOCKS_[A-Z0-9]+(?:_[A-Z0-9]+)*/g;

function codesIn(text: string): string[] {
  return [...new Set(text.match(CODE))].toSorted();
}

const rows = readFileSync(new URL("docs/errors.md", root), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `ERR_SOCKS_"))
  .map((line) =>
    line
      .replaceAll("\\|", "")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test("docs/errors.md explains every code of the sources, and no other", () => {
  const sources = globSync("{packages,apps}/*/src/**/*.ts", { cwd: root });
  expect(sources.length).toBeGreaterThan(50);
  const text = sources.map((path) => readFileSync(new URL(path, root), "utf8")).join("\n");
  expect(rows.map(([code]) => code?.replaceAll("`", ""))).toEqual(codesIn(text));
});

test("it says of each where it comes from, what it means and what to do", () => {
  for (const [code, from, meaning, , remedy, ...more] of rows) {
    for (const cell of [from, meaning, remedy]) expect(cell, code).toMatch(/\w/);
    expect(more, code).toEqual([]);
  }
});

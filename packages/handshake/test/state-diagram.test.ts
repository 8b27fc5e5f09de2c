import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PAGE, stateDiagram, withDiagrams } from "./state-diagram.ts";

test("a table as a diagram", () => {
  const table = { start: { go: "end", stop: "end", stay: "start" }, end: {} };
  expect(stateDiagram(table)).toBe(
    ["stateDiagram-v2", "    [*] --> start", "    start --> end: go, stop", "    start --> start: stay"].join("\n"),
  );
});

test("docs/handshake.md shows the tables as they are", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(withDiagrams(page), "run: node packages/handshake/test/state-diagram.ts").toBe(page);
});

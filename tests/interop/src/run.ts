// The interop suite: real programs against sockskitd, @sockskit/client and sockskit, in both roles.
//   node tests/interop/src/run.ts [--only TEXT]... [--concurrency N] [--list] [--write]
// With SOCKSKIT_TEST_ENGINE=fastpath, sockskitd serves with that engine.
// A missing program skips its rows; with CI=true a skipped row counts as failed. --write puts the tables into
// docs/interop.md. The exit status is 0 when nothing failed.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatResult, formatTables, rowName } from "./harness/report.ts";
import { runRows, type Result } from "./harness/runner.ts";
import { ALL_ROWS } from "./rows/all.ts";

const DOCUMENT = fileURLToPath(new URL("../../../docs/interop.md", import.meta.url));
const MARKS = ["<!-- tables: npm run interop -- --write -->", "<!-- end of tables -->"] as const;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    concurrency: { type: "string", default: "4" },
    list: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

if (options.write && options.only.length > 0) {
  console.error("run.ts: --write needs every row; leave --only out");
  process.exit(2);
}

const wanted = options.only.map((text) => text.toLowerCase());
const rows = ALL_ROWS.filter((row) => wanted.every((text) => rowName(row).toLowerCase().includes(text)));

if (options.list) {
  for (const row of rows) console.log(rowName(row));
} else {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  const strict = process.env["CI"] === "true";
  const results = await runRows(rows, {
    concurrency: Math.max(1, Number(options.concurrency)),
    signal: stop.signal,
    onResult: (result) => console.log(formatResult(result)),
  });
  if (options.write) await writeTables(results);
  const failed = results.filter(({ outcome }) => outcome === "failed" || (strict && outcome === "skipped")).length;
  const skipped = results.filter(({ outcome }) => outcome === "skipped").length;
  if (skipped > 0)
    console.log(
      `${skipped} rows were skipped${strict ? " and count as failed, because CI is true" : ""}; the lines above say why`,
    );
  console.log(`${results.filter(({ outcome }) => outcome === "passed").length} passed, ${failed} failed`);
  process.exitCode = failed === 0 && !stop.signal.aborted ? 0 : 1;
}

async function writeTables(results: readonly Result[]): Promise<void> {
  const text = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (begin < 0 || end < begin)
    throw new RangeError(`${DOCUMENT} has no place for the tables: "${MARKS[0]}" to "${MARKS[1]}"`);
  const order = new Map(rows.map((row, index) => [row, index]));
  const sorted = [...results].sort((a, b) => (order.get(a.row) ?? 0) - (order.get(b.row) ?? 0));
  writeFileSync(
    DOCUMENT,
    `${text.slice(0, begin + MARKS[0].length)}\n\n${await formatTables(sorted)}\n${text.slice(end)}`,
  );
  console.log(`wrote ${DOCUMENT}`);
}

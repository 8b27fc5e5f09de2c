// Measures SOCKS servers side by side on this machine, round by round, every server once per round and row.
//   npm run bench [-- --rounds 3] [--seconds 2] [--only TEXT]... [--write]
// --only takes parts of names of rows ("round-trips-32", "idle") and of servers ("microsocks"). --write puts
// tables and charts into docs/benchmarks.md.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Scope } from "@sockskit/interop-tests";
import { costChart, rateChart } from "./chart.ts";
import { Bench } from "./measure.ts";
import { readOptions } from "./options.ts";
import type { ServerResults } from "./results.ts";
import { BENCH_ROWS, type BenchRow } from "./rows.ts";
import { startContestants, type Contestant } from "./servers.ts";
import { describeMachine, formatTables } from "./table.ts";

const DOCS = new URL("../../../docs/", import.meta.url);
const MARKS = ["<!-- figures: npm run bench -- --write -->", "<!-- end of figures -->"] as const;

const USAGE = `npm run bench [-- --rounds 3] [--seconds 2] [--only TEXT]... [--write]
--only takes parts of names of rows (${[...BENCH_ROWS.map(({ name }) => name), "idle"].join(", ")}) and of servers.
--write puts the tables and charts into docs/benchmarks.md.`;
const options = readOptions(USAGE, { canWrite: true });
const { rounds, seconds } = options;
const isRowName = (text: string): boolean =>
  [...BENCH_ROWS.map(({ name }) => name), "idle"].some((name) => name.includes(text));
const onlyRows = options.only.filter(isRowName);
const onlyServers = options.only.filter((text) => !isRowName(text)).map((text) => text.toLowerCase());
const wantsRow = (name: string): boolean => onlyRows.length === 0 || onlyRows.some((text) => name.includes(text));
const wantsServer = (title: string): boolean =>
  onlyServers.length === 0 || onlyServers.some((text) => title.toLowerCase().includes(text));

const rows = BENCH_ROWS.filter(({ name }) => wantsRow(name));
const scope = new Scope();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => void scope.close().then(() => process.exit(1)));
try {
  const contestants = await startContestants(scope, wantsServer);
  const servers = await measure(new Bench(scope), contestants);
  const tables = formatTables(rows, servers);
  const heading = `${describeMachine()}; medians of ${rounds} rounds of ${seconds} s.`;
  console.log(`\n${heading}\n\n${tables}`);
  if (options.write) write(heading, tables, servers);
} finally {
  await scope.close();
}

async function measure(bench: Bench, contestants: readonly Contestant[]): Promise<readonly ServerResults[]> {
  const all = contestants.map(({ title, port }): ServerResults => ({ title, direct: port === 0, samples: new Map() }));
  // First of all, while nobody's memory has been used for anything else.
  if (wantsRow("idle"))
    await forEach(contestants, all, "idle", async (contestant, results) => {
      results.idle = await bench.idle(contestant);
    });
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      await forEach(contestants, all, `round ${round}/${rounds}, ${row.name}`, (contestant, results) =>
        sample(bench, row, contestant, results),
      );
    }
  }
  return all;
}

async function sample(
  bench: Bench,
  { name, mode, tunnels }: BenchRow,
  contestant: Contestant,
  { samples }: ServerResults,
): Promise<void> {
  const found = await bench.run(contestant, { mode, tunnels, seconds });
  samples.set(name, [...(samples.get(name) ?? []), found]);
}

async function forEach(
  contestants: readonly Contestant[],
  all: readonly ServerResults[],
  what: string,
  visit: (contestant: Contestant, results: ServerResults) => Promise<void>,
): Promise<void> {
  process.stderr.write(`${what}:`);
  for (const [index, contestant] of contestants.entries()) {
    process.stderr.write(` ${contestant.title};`);
    await visit(contestant, all[index] as ServerResults);
  }
  process.stderr.write("\n");
}

function write(heading: string, tables: string, servers: readonly ServerResults[]): void {
  const document = fileURLToPath(new URL("benchmarks.md", DOCS));
  const text = readFileSync(document, "utf8");
  const [begin, end] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (begin < 0 || end < begin)
    throw new RangeError(`${document} has no place for figures: "${MARKS[0]}" to "${MARKS[1]}"`);
  writeFileSync(document, `${text.slice(0, begin + MARKS[0].length)}\n\n${heading}\n\n${tables}\n${text.slice(end)}`);
  writeFileSync(new URL("benchmarks-rates.svg", DOCS), `${rateChart(rows, servers)}\n`);
  writeFileSync(new URL("benchmarks-costs.svg", DOCS), `${costChart(rows, servers)}\n`);
  console.log(`wrote ${document} and its charts`);
}

// Measures what many idle tunnels do to those that are in use: round trips of both engines, with and without them.
//   npm run bench:idle [-- --rounds 3] [--seconds 2] [--only TEXT]...
// --only takes parts of names of servers. Each tunnel takes two descriptors of the server: 8,000 need a hard limit of
// more than 16,000 (`ulimit -Hn`).
import { Scope } from "@sockskit/interop-tests";
import { Bench, type Sample } from "./measure.ts";
import { readOptions } from "./options.ts";
import { median } from "./results.ts";
import { startContestants } from "./servers.ts";

const IDLE = 8_000;
const ACTIVE = 32;

const USAGE = `npm run bench:idle [-- --rounds 3] [--seconds 2] [--only TEXT]...
--only takes parts of names of servers; without it, only sockskitd is measured.`;
const { rounds, seconds, only } = readOptions(USAGE);
const wanted = (only.length === 0 ? ["sockskitd"] : only).map((text) => text.toLowerCase());
const scope = new Scope();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => void scope.close().then(() => process.exit(1)));
try {
  const contestants = await startContestants(scope, (title) =>
    wanted.some((text) => title.toLowerCase().includes(text)),
  );
  const bench = new Bench(scope);
  const job = { mode: "round-trips", tunnels: ACTIVE, seconds } as const;
  console.log(`${ACTIVE} tunnels in use, medians of ${rounds} rounds of ${seconds} s`);
  for (const contestant of contestants.filter(({ port }) => port !== 0)) {
    const alone: Sample[] = [];
    const beside: Sample[] = [];
    let least = IDLE;
    for (let round = 0; round < rounds; round++) {
      alone.push(await bench.run(contestant, job));
      const [sample, open] = await bench.beside(contestant, IDLE, () => bench.run(contestant, job));
      beside.push(sample);
      least = Math.min(least, open);
    }
    console.log(`${contestant.title}: ${describe(alone)}; beside ${least} idle ones: ${describe(beside)}`);
  }
} finally {
  await scope.close();
}

function describe(samples: readonly Sample[]): string {
  const rate = median(samples.map(({ units, seconds: lasted }) => units / lasted));
  const latency = median(samples.map(({ medianUs }) => medianUs));
  const cost = median(samples.map(({ cpuPerUnit }) => cpuPerUnit ?? 0)) * 1e6;
  return `${rate.toFixed(0)} round trips/s, median ${latency.toFixed(0)} µs, ${cost.toFixed(1)} µs CPU each`;
}

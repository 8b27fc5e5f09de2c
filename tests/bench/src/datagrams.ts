// Measures how SOCKS servers relay datagrams, side by side on this machine, round by round.
//   node tests/bench/src/datagrams.ts [--rounds 3] [--seconds 2] [--only SERVER]...
// Others that run already are measured as well: SOCKS_PEERS="NAME=PORT=PID NAME=PORT=PID".
// What is lost is lost in the server: without one, nothing is, up to what this generator can send.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Scope } from "@sockskit/interop-tests";
import type { DatagramJob, DatagramOrder, DatagramReport } from "./datagram-job.ts";
import { readOptions } from "./options.ts";
import { startContestants, type Contestant } from "./servers.ts";
import { describeMachine } from "./table.ts";
import { processorTime } from "./usage.ts";

const PATIENCE_MS = 10_000;
/** Servers that relay datagrams; the others have no UDP ASSOCIATE. */
const RELAYS = /^(?:no proxy|sockskitd|Dante)/u;

interface DatagramRow {
  readonly title: string;
  readonly job: Pick<DatagramJob, "mode" | "length" | "rate" | "window">;
}

const ROWS: readonly DatagramRow[] = [
  { title: "64 bytes, as many as go, one way", job: { mode: "flood", length: 64, rate: 0, window: 0 } },
  { title: "1200 bytes, as many as go, one way", job: { mode: "flood", length: 1200, rate: 0, window: 0 } },
  { title: "64 bytes, 10,000 a second, one way", job: { mode: "flood", length: 64, rate: 10_000, window: 0 } },
  { title: "64 bytes there and back, 32 at a time", job: { mode: "round-trips", length: 64, rate: 0, window: 32 } },
];

interface Sample {
  /** Datagrams that arrived, per second: at the target, or back at the generator. */
  readonly rate: number;
  /** Part of those that were sent that did not arrive, 0 to 1. */
  readonly loss: number;
  /** Processor time of the server for each that arrived, in microseconds; `undefined` where it cannot be known. */
  readonly costUs: number | undefined;
}

const USAGE = "npm run bench:datagrams [-- --rounds 3] [--seconds 2] [--only SERVER]...";
const options = readOptions(USAGE);
const { rounds, seconds } = options;
const only = options.only.map((text) => text.toLowerCase());
const isWanted = (title: string): boolean =>
  RELAYS.test(title) && (only.length === 0 || only.some((text) => title.toLowerCase().includes(text)));

const scope = new Scope();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => void scope.close().then(() => process.exit(1)));
try {
  const contestants = [...(await startContestants(scope, isWanted)), ...others()];
  const generator = start("datagram-generator.ts");
  const target = start("datagram-target.ts");
  const samples = new Map<string, Sample[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const row of ROWS) {
      process.stderr.write(`round ${round}/${rounds}, ${row.title}:`);
      for (const contestant of contestants) {
        process.stderr.write(` ${contestant.title};`);
        const key = `${row.title} ${contestant.title}`;
        samples.set(key, [...(samples.get(key) ?? []), await measure(generator, target, row, contestant)]);
      }
      process.stderr.write("\n");
    }
  }
  console.log(`\n${describeMachine()}; medians of ${rounds} rounds of ${seconds} s.\n`);
  for (const row of ROWS) console.log(`${table(row, contestants, samples)}\n`);
} finally {
  await scope.close();
}

/** Servers that somebody else has started. */
function others(): readonly Contestant[] {
  const texts = (process.env["SOCKS_PEERS"] ?? "").split(" ").filter(Boolean);
  return texts.map((text) => {
    const [title = text, port, pid] = text.split("=");
    return { title, port: Number(port), pid: Number(pid) };
  });
}

async function measure(
  generator: ChildProcess,
  target: ChildProcess,
  { job }: DatagramRow,
  { port, pid }: Contestant,
): Promise<Sample> {
  target.send({ type: "open", echo: job.mode === "round-trips" });
  const [targetPort] = (await next(target)) as [number];
  await ask(generator, { type: "start", job: { ...job, proxyPort: port, targetPort } });
  await delay(seconds * 250); // warms up
  await count(generator, target);
  const [before, begin] = [pid === undefined ? undefined : processorTime(pid), performance.now()];
  await delay(seconds * 1000);
  const found = await count(generator, target);
  const after = pid === undefined ? undefined : processorTime(pid);
  const took = (performance.now() - begin) / 1000;
  await ask(generator, { type: "stop" });
  const arrived = job.mode === "flood" ? found.atTarget : found.received;
  return {
    rate: arrived / took,
    // Some are under way at both ends of the time: a difference of those is no loss.
    loss: found.sent === 0 ? 1 : Math.max(0, 1 - arrived / found.sent),
    costUs:
      before === undefined || after === undefined || arrived === 0 ? undefined : ((after - before) / arrived) * 1e6,
  };
}

async function count(
  generator: ChildProcess,
  target: ChildProcess,
): Promise<{ readonly sent: number; readonly received: number; readonly atTarget: number }> {
  const report = await ask(generator, { type: "count" });
  target.send({ type: "count" });
  const [atTarget] = (await next(target)) as [number];
  return report.type === "count" ? { ...report, atTarget } : { sent: 0, received: 0, atTarget };
}

async function ask(generator: ChildProcess, order: DatagramOrder): Promise<DatagramReport> {
  generator.send(order);
  const [report] = (await next(generator)) as [DatagramReport];
  return report;
}

function next(child: ChildProcess): Promise<unknown[]> {
  return once(child, "message", { signal: AbortSignal.timeout(PATIENCE_MS) });
}

function table(
  row: DatagramRow,
  contestants: readonly Contestant[],
  samples: ReadonlyMap<string, readonly Sample[]>,
): string {
  const lines = contestants.map(({ title }) => {
    const list = samples.get(`${row.title} ${title}`) ?? [];
    const costs = list.map(({ costUs }) => costUs).filter((cost) => cost !== undefined);
    const loss = `${(median(list.map((sample) => sample.loss)) * 100).toFixed(1)} %`;
    const cost = costs.length === 0 ? "" : median(costs).toFixed(1);
    return `| ${title} | ${Math.round(median(list.map(({ rate }) => rate)))} | ${loss} | ${cost} |`;
  });
  const unit = row.job.mode === "flood" ? "datagram" : "round trip";
  const head = `| Server | ${unit}s/s | lost | µs CPU per ${unit} |`;
  return [`### ${row.title}`, "", head, "|---|--:|--:|--:|", ...lines].join("\n");
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

function start(file: string): ChildProcess {
  const child = fork(new URL(file, import.meta.url), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  scope.defer(() => child.kill());
  return child;
}

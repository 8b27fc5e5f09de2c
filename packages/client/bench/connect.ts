// Connects per second and processor time per connect, beside npm `socks` and a handshake by hand.
// Run: node packages/client/bench/connect.ts [ROUNDS] [CONNECTS]
// Every subject runs in a process of its own, all of them in each round, against one server in another process.
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { cpus, release } from "node:os";
import { resolve } from "node:path";
import { promisify } from "node:util";

interface Result {
  readonly cpuUs: number;
  readonly userUs: number;
  readonly perSecond: number;
}

const rounds = Number(process.argv[2] ?? 5);
const connects = Number(process.argv[3] ?? 20_000);
// Compilers run beside the program at first, and their time is not the time of a connect.
const warmUp = 25_000;
const { version } = createRequire(import.meta.url)("socks/package.json") as { version: string };
const SUBJECTS = { sockskit: "@sockskit/client", socks: `socks ${version}`, bare: "by hand, nothing checked" } as const;

type Subject = keyof typeof SUBJECTS;
const names = Object.keys(SUBJECTS) as Subject[];
const results: Record<Subject, Result[]> = { sockskit: [], socks: [], bare: [] };

const server = fork(new URL("proxy.ts", import.meta.url), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
try {
  const [output] = (await once(server.stdout ?? server, "data")) as [Buffer];
  const port = String(output).trim();
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as Subject;
      results[name].push(await run(name, port));
    }
  }
} finally {
  server.kill();
}
print();

async function run(name: Subject, port: string): Promise<Result> {
  const script = resolve(import.meta.dirname, "subject.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script, name, port, `${connects}`, `${warmUp}`]);
  return JSON.parse(stdout) as Result;
}

function print(): void {
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  console.log(`Node ${process.version}, Linux ${release()}, ${cpus().length} x ${processor}`);
  console.log(`SOCKS 5, no authentication, ${connects} connects, 16 at a time, median of ${rounds} rounds\n`);
  console.log("| client | CPU us per connect | of which user | connects per second | CPU beside socks |");
  console.log("|---|---|---|---|---|");
  const base = median("socks", "cpuUs");
  for (const name of names) {
    const cells = [
      SUBJECTS[name],
      median(name, "cpuUs").toFixed(1),
      median(name, "userUs").toFixed(1),
      median(name, "perSecond").toFixed(0),
      (median(name, "cpuUs") / base).toFixed(2),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function median(name: Subject, key: keyof Result): number {
  const sorted = results[name].map((result) => result[key]).toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}

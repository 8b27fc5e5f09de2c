import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterTest, ENGINE, until } from "./server-support.ts";

const SERVER = `
  import { createServer } from "@sockskit/server";
  const server = createServer({ engine: process.env.SOCKSKIT_TEST_ENGINE, listen: [{ port: 0 }], limits: { perClient: 100000 }, timeouts: { idleMs: 60000 } });
  server.on("error", (error) => console.log("error " + error.message));
  const [{ port }] = await server.listen();
  console.log("listening " + port);
  process.stdin.on("data", () => console.log("stats " + JSON.stringify(server.stats)));
  process.stdin.on("end", () => process.exit(0));
`;

/** A server in a process of its own. */
export interface Child {
  readonly port: number;
  readonly process: ChildProcess;
  readonly lines: string[];
}

/** How a server is started in a process of its own. */
export interface ChildOptions {
  /** What serves the clients, by default what the suite runs with. */
  readonly engine?: "portable" | "fastpath";
  /** Program that starts the process, with its arguments. */
  readonly by?: readonly string[];
  /** What the process does before it starts the server. */
  readonly prelude?: string;
}

/** A server in a process of its own, which may have `descriptors` files open. */
export async function startChild(descriptors: number, options: ChildOptions = {}): Promise<Child> {
  const { engine = ENGINE, by = [], prelude = "" } = options;
  const script = `ulimit -n ${descriptors}; exec "$0" --input-type=module -e "$1"`;
  const [program, ...args] = [...by, "/bin/sh", "-c", script, process.execPath, prelude + SERVER] as const;
  const child = spawn(program, args, {
    cwd: import.meta.dirname,
    env: { ...process.env, SOCKSKIT_TEST_ENGINE: engine },
    stdio: ["pipe", "pipe", "inherit"],
  });
  afterTest(async () => {
    child.stdin.end();
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const isListening = (line: string): boolean => line.startsWith("listening ");
  await until(() => lines.some(isListening), "the server listens");
  return { port: Number(lines.find(isListening)?.split(" ")[1]), process: child, lines };
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterTest, until } from "./server-support.ts";

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

/** A server in a process of its own, which may have `descriptors` files open. */
export async function startChild(descriptors: number): Promise<Child> {
  const script = `ulimit -n ${descriptors}; exec "$0" --input-type=module -e "$1"`;
  const child = spawn("/bin/sh", ["-c", script, process.execPath, SERVER], {
    cwd: import.meta.dirname,
    stdio: ["pipe", "pipe", "inherit"],
  });
  afterTest(async () => {
    child.stdin.end();
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0, "the server listens");
  return { port: Number(lines[0]?.split(" ")[1]), process: child, lines };
}

import type { ServerPeer } from "../peers/server-peer.ts";
import { bodyOf, LARGE } from "../target/body.ts";
import { startTargets } from "../target/target.ts";
import { freePort } from "./port.ts";
import { RowError, type Row, type RowContext } from "./row.ts";
import { Scope } from "./scope.ts";
import { missing, type Tool } from "./tools.ts";

/** What became of a row. */
export interface Result {
  /** The row. */
  readonly row: Row;
  /** Whether it held. */
  readonly outcome: "passed" | "failed" | "skipped";
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  /** A remark for the table; why it failed or was skipped. */
  readonly remark: string;
  /** Newest log lines of the programs involved, when it failed. */
  readonly log: string;
}

/** How a run goes. */
export interface RunSettings {
  /** Rows at the same time; a 256 MiB row counts as two. */
  readonly concurrency: number;
  /** Ends the run early; everything that was started is ended. */
  readonly signal: AbortSignal;
  /** Called with each result, as it comes. */
  readonly onResult: (result: Result) => void;
}

/** Longest time for a row, in milliseconds. */
const LIGHT_MS = 30_000;
const HEAVY_MS = 90_000;
const LOG_TAIL = 3000;

const heavy = (row: Row): boolean => row.check.startsWith("256 MiB") || row.check === "page";

/** Runs every row and gives back what was started. */
export async function runRows(rows: readonly Row[], settings: RunSettings): Promise<readonly Result[]> {
  const scope = new Scope();
  try {
    bodyOf(LARGE); // before anything is timed
    const shared = new SharedServers(scope);
    const common = { targets: await startTargets(scope), closedPort: await freePort() };
    const results: Result[] = [];
    const queue = [...rows];
    let free = settings.concurrency;
    const running = new Set<Promise<void>>();
    for (let row = queue.shift(); row !== undefined && !settings.signal.aborted; row = queue.shift()) {
      const weight = Math.min(heavy(row) ? 2 : 1, settings.concurrency);
      while (free < weight) await Promise.race(running);
      free -= weight;
      const task: Promise<void> = runRow(row, shared, { ...common, stop: settings.signal }).then((result) => {
        running.delete(task);
        free += weight;
        results.push(result);
        settings.onResult(result);
      });
      running.add(task);
    }
    await Promise.all(running);
    return results;
  } finally {
    await scope.close();
  }
}

/** Servers that several rows talk to, each started once. */
class SharedServers {
  readonly #scope: Scope;
  readonly #servers = new Map<string, Promise<ServerPeer>>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get(name: string, start: (scope: Scope) => Promise<ServerPeer>): Promise<ServerPeer> {
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = start(this.#scope);
      this.#servers.set(name, server);
    }
    return server;
  }
}

async function runRow(
  row: Row,
  shared: SharedServers,
  common: Pick<RowContext, "targets" | "closedPort"> & { readonly stop: AbortSignal },
): Promise<Result> {
  const why = await missingTool([row.tool, ...(row.needs ?? [])]);
  if (why !== undefined) return { row, outcome: "skipped", tookMs: 0, remark: why, log: "" };
  const scope = new Scope();
  const abort = new AbortController();
  const used = new Map<string, { peer: ServerPeer; from: number }>();
  const context: RowContext = {
    ...common,
    scope,
    signal: abort.signal,
    async server(name, start) {
      const peer = await shared.get(name, start);
      used.set(name, { peer, from: peer.process.loggedLength });
      return peer;
    },
  };
  const limitMs = heavy(row) ? HEAVY_MS : LIGHT_MS;
  const started = performance.now();
  let outcome: Result["outcome"] = "passed";
  let remark = "";
  try {
    remark = (await Promise.race([row.run(context), deadline(limitMs, common.stop, scope)])) ?? "";
  } catch (error) {
    outcome = "failed";
    remark = error instanceof Error ? error.message : String(error);
  } finally {
    abort.abort();
    await scope.close();
  }
  const logs = [...used].map(
    ([name, { peer, from }]) => `--- log of ${name}\n${peer.process.logSince(from).slice(-LOG_TAIL)}`,
  );
  return {
    row,
    outcome,
    tookMs: performance.now() - started,
    remark,
    log: outcome === "failed" ? logs.join("\n") : "",
  };
}

function deadline(limitMs: number, stop: AbortSignal, scope: Scope): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new RowError(`no result after ${limitMs / 1000} s`)), limitMs);
    const onStop = (): void => reject(new RowError("the run was stopped"));
    stop.addEventListener("abort", onStop);
    scope.defer(() => {
      clearTimeout(timer);
      stop.removeEventListener("abort", onStop);
    });
  });
}

async function missingTool(tools: readonly Tool[]): Promise<string | undefined> {
  for (const tool of tools) {
    const why = await missing(tool);
    if (why !== undefined) return why;
  }
  return undefined;
}

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Scope } from "@sockskit/interop-tests";
import type { Job, Order, Outcome, Report } from "./job.ts";
import { IDLE_TUNNELS } from "./rows.ts";
import type { Contestant } from "./servers.ts";
import { memory, processorTime } from "./usage.ts";

/** One measurement of one server. */
export interface Sample extends Outcome {
  /** Processor time of the server per unit, in seconds; `undefined` where it cannot be known. */
  readonly cpuPerUnit: number | undefined;
}

/** Memory of idle tunnels. */
export interface IdleSample {
  /** Bytes per tunnel. */
  readonly bytesPerTunnel: number;
  /** How many stood open. */
  readonly tunnels: number;
}

/** A measurement gives up after this many milliseconds beyond its own time. */
const PATIENCE_MS = 30_000;

/** The load generator and the target, each a process. */
export class Bench {
  readonly #generator: Helper<Order>;
  readonly #target: Helper<"listen">;

  constructor(scope: Scope) {
    this.#generator = new Helper(scope, new URL("./generator.ts", import.meta.url));
    this.#target = new Helper(scope, new URL("./target.ts", import.meta.url));
  }

  /** Runs a job against a server and takes the server's processor time of exactly the time that counts. */
  async run({ port, pid }: Contestant, job: Omit<Job, "proxyPort" | "targetPort">): Promise<Sample> {
    const limitMs = job.seconds * 1250 + PATIENCE_MS;
    this.#order({ type: "run", job: { ...job, proxyPort: port, targetPort: await this.#freshTarget() } });
    await this.#report("measuring", limitMs);
    const before = pid === undefined ? undefined : processorTime(pid);
    const { outcome } = await this.#report("done", limitMs);
    const after = pid === undefined ? undefined : processorTime(pid);
    const known = before !== undefined && after !== undefined && outcome.units > 0;
    return { ...outcome, cpuPerUnit: known ? (after - before) / outcome.units : undefined };
  }

  /** What a tunnel costs while nothing happens in it. */
  async idle({ port, pid }: Contestant): Promise<IdleSample | undefined> {
    if (pid === undefined || memory(pid) === undefined) return undefined;
    const targetPort = await this.#freshTarget();
    const grow = async (tunnels: number): Promise<{ readonly open: number; readonly bytes: number }> => {
      const open = await this.#open(port, targetPort, tunnels);
      await delay(1000); // what the set-up left behind is cleared away
      return { open, bytes: memory(pid) ?? 0 };
    };
    try {
      const few = await grow(IDLE_TUNNELS.few);
      const more = await grow(IDLE_TUNNELS.many - IDLE_TUNNELS.few);
      if (more.open === 0) return undefined;
      return { bytesPerTunnel: (more.bytes - few.bytes) / more.open, tunnels: few.open + more.open };
    } finally {
      await this.#close();
    }
  }

  /** Does something while so many tunnels stand open, unused; resolves to what it gives and how many did stand open. */
  async beside<T>({ port }: Contestant, tunnels: number, work: () => Promise<T>): Promise<readonly [T, number]> {
    const open = await this.#open(port, await this.#freshTarget(), tunnels);
    try {
      return [await work(), open];
    } finally {
      await this.#close();
    }
  }

  async #open(proxyPort: number, targetPort: number, tunnels: number): Promise<number> {
    this.#order({ type: "open", proxyPort, targetPort, tunnels });
    return (await this.#report("idle", PATIENCE_MS)).open;
  }

  async #close(): Promise<void> {
    this.#order({ type: "close" });
    await this.#report("closed", PATIENCE_MS);
    await delay(1000);
  }

  #order(order: Order): void {
    this.#generator.send(order);
  }

  async #freshTarget(): Promise<number> {
    this.#target.send("listen");
    return (await this.#target.next(PATIENCE_MS)) as number;
  }

  async #report<T extends Report["type"]>(type: T, limitMs: number): Promise<Extract<Report, { type: T }>> {
    for (;;) {
      const report = (await this.#generator.next(limitMs)) as Report;
      if (report.type === type) return report as Extract<Report, { type: T }>;
    }
  }
}

/** A process of this benchmark that answers messages. */
class Helper<Message extends Order | "listen"> {
  readonly #file: URL;
  readonly #child: ChildProcess;
  readonly #ended = new AbortController();

  constructor(scope: Scope, file: URL) {
    this.#file = file;
    this.#child = fork(file, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.once("exit", (status, signal) => {
      this.#ended.abort(new BenchError(`${file.pathname} ended unexpectedly (${status ?? signal})`));
    });
    scope.defer(() => this.#child.kill());
  }

  send(message: Message): void {
    this.#child.send(message);
  }

  /** The next message from it. */
  async next(limitMs: number): Promise<unknown> {
    const late = AbortSignal.timeout(limitMs);
    try {
      const [message] = (await once(this.#child, "message", {
        signal: AbortSignal.any([late, this.#ended.signal]),
      })) as [unknown];
      return message;
    } catch (error) {
      this.#ended.signal.throwIfAborted();
      throw new BenchError(`${this.#file.pathname} did not answer within ${limitMs} ms`, { cause: error });
    }
  }
}

/** A part of the benchmark itself failed. */
class BenchError extends Error {
  override readonly name = "BenchError";
}

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Scope } from "../harness/scope.ts";

/** What the greeter says before anything was sent to it. */
export const GREETING = "220 target ready\r\n";

/** Ports of the hosts that clients reach through proxies; see `worker.ts` for what each of them does. */
export interface Targets {
  /** HTTP: `GET /bytes/N`, `PUT /digest`, `GET /page`, `GET /received/KEY`. */
  readonly http: number;
  /** One line tells it what to do: `digest`, `source N`, `late KEY`. */
  readonly lines: number;
  /** Says {@link GREETING}, then echoes. */
  readonly greeter: number;
}

/** Starts the targets in a thread. */
export async function startTargets(scope: Scope): Promise<Targets> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  scope.defer(() => worker.terminate());
  const [ports] = (await once(worker, "message")) as [Targets];
  return ports;
}

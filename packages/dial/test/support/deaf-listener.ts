import { once } from "node:events";
import net from "node:net";
import { Worker } from "node:worker_threads";

/** A listener that accepts nothing: connections to it neither succeed nor fail. */
export interface DeafListener {
  /** Where it listens. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Stops it. */
  readonly close: () => Promise<void>;
}

// The thread blocks with its listener open, so nothing is ever accepted.
const SCRIPT = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ host: workerData.host, port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(workerData.gate, 0, 0));
  });
`;

/** Starts a {@link DeafListener}; its queue is full when the promise settles. */
export async function startDeafListener(host: string, port = 0): Promise<DeafListener> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SCRIPT, { eval: true, workerData: { host, port, gate } });
  const [chosen] = (await once(worker, "message")) as [number];
  const fillers: net.Socket[] = [];
  for (let full = false; !full;) {
    const socket = net.connect({ host, port: chosen });
    socket.on("error", () => undefined);
    fillers.push(socket);
    full = await Promise.race([
      once(socket, "connect").then(() => false),
      new Promise<boolean>((resolve) => void setTimeout(resolve, 150, true)),
    ]);
  }
  return {
    host,
    port: chosen,
    close: async () => {
      for (const socket of fillers) socket.destroy();
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await worker.terminate();
    },
  };
}

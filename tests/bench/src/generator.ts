// The load generator, a process of its own: it opens tunnels, uses them for a while, and counts.
import type { Socket } from "node:net";
import { KIND, type Job, type Order, type Outcome, type Report } from "./job.ts";
import { openTunnel } from "./tunnel.ts";

const MESSAGE_LENGTH = 64;
const BUFFER = new Uint8Array(256 * 1024);
const BLOCK = Buffer.alloc(256 * 1024, 0x62);
const ONE_OCTET = Buffer.of(KIND.echo, 0x21);
const FIRST_MESSAGE = Buffer.concat([Buffer.of(KIND.echo), Buffer.alloc(MESSAGE_LENGTH, 0x63)]);
const MESSAGE = FIRST_MESSAGE.subarray(1);
/** Most tunnels that are being opened at the same time while idle ones are made. */
const OPENING = 64;

const tell = (report: Report): void => void process.send?.(report);
const idle = new Set<Socket>();

process.on("disconnect", () => process.exit());
process.on("message", (order: Order) => {
  if (order.type === "run") new Run(order.job).start();
  else if (order.type === "open") openIdle(order.proxyPort, order.targetPort, order.tunnels);
  else {
    for (const socket of idle) socket.resetAndDestroy();
    idle.clear();
    tell({ type: "closed" });
  }
});

/** One measurement: a warm-up, then the time that counts. */
class Run {
  readonly #job: Job;
  readonly #sockets = new Set<Socket>();
  readonly #latencies: number[] = [];
  #units = 0;
  #failed = 0;
  #measuring = false;
  #over = false;

  constructor(job: Job) {
    this.#job = job;
  }

  start(): void {
    for (let index = 0; index < this.#job.tunnels; index++) this.#open();
    setTimeout(() => this.#measure(), this.#job.seconds * 250);
  }

  #measure(): void {
    this.#units = 0;
    this.#latencies.length = 0;
    this.#measuring = true;
    const begin = performance.now();
    tell({ type: "measuring" });
    setTimeout(() => {
      const seconds = (performance.now() - begin) / 1000;
      this.#over = true;
      const outcome: Outcome = { units: this.#units, seconds, medianUs: median(this.#latencies), failed: this.#failed };
      tell({ type: "done", outcome });
      for (const socket of this.#sockets) socket.resetAndDestroy();
    }, this.#job.seconds * 1000);
  }

  #open(): void {
    const { mode, proxyPort, targetPort } = this.#job;
    let opened = false;
    let done = false;
    let missing = MESSAGE_LENGTH;
    let since = performance.now();
    const socket = openTunnel(proxyPort, targetPort, BUFFER, {
      onOpen: () => {
        opened = true;
        if (mode === "tunnels") socket.write(ONE_OCTET);
        else if (mode === "round-trips") {
          since = performance.now();
          socket.write(FIRST_MESSAGE);
        } else this.#stream(socket, mode === "both-ways");
      },
      onData: (length) => {
        if (mode === "tunnels") {
          done = true;
          this.#count(1, since);
          socket.resetAndDestroy(); // leaves no TIME_WAIT behind
        } else if (mode === "round-trips") {
          missing -= length;
          if (missing > 0) return;
          this.#count(1, since);
          missing = MESSAGE_LENGTH;
          since = performance.now();
          socket.write(MESSAGE);
        } else this.#units += length;
      },
      onClose: () => {
        this.#sockets.delete(socket);
        if (this.#over) return;
        if (!done) this.#failed++;
        // A server that refuses everything must not be hammered.
        if (done) this.#open();
        else if (mode === "tunnels" || !opened) setTimeout(() => this.#over || this.#open(), 50);
      },
    });
    this.#sockets.add(socket);
  }

  #stream(socket: Socket, bothWays: boolean): void {
    socket.write(Buffer.of(bothWays ? KIND.both : KIND.source));
    if (!bothWays) return;
    const pump = (): void => {
      let more = true;
      while (more && !socket.destroyed && !this.#over) {
        this.#units += BLOCK.length;
        more = socket.write(BLOCK);
      }
    };
    socket.on("drain", pump);
    pump();
  }

  #count(units: number, since: number): void {
    this.#units += units;
    if (this.#measuring) this.#latencies.push((performance.now() - since) * 1000);
  }
}

function openIdle(proxyPort: number, targetPort: number, tunnels: number): void {
  let open = 0;
  let failed = 0;
  let started = 0;
  const next = (): void => {
    if (open + failed === tunnels) tell({ type: "idle", open, failed });
    while (started < tunnels && started - open - failed < OPENING) {
      started++;
      let opened = false;
      const socket = openTunnel(proxyPort, targetPort, BUFFER, {
        onOpen: () => {
          opened = true;
          open++;
          idle.add(socket);
          socket.write(Buffer.of(KIND.echo));
          next();
        },
        onData: () => {},
        onClose: () => {
          idle.delete(socket);
          if (opened) return;
          failed++;
          next();
        },
      });
    }
  };
  next();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

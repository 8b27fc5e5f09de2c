// The generator of datagrams, a process of its own: it opens an association, sends through it, and counts.
import { createSocket, type Socket } from "node:dgram";
import { connect, type Socket as TcpSocket } from "node:net";
import type { DatagramJob, DatagramOrder, DatagramReport } from "./datagram-job.ts";

/** Datagrams sent in one go; in between, answers are read. */
const BURST = 32;
/** After so long without an answer, what was under way is taken for lost. */
const LOST_AFTER_MS = 100;

const tell = (report: DatagramReport): void => void process.send?.(report);
let run: Run | undefined;

process.on("disconnect", () => process.exit());
process.on("message", (order: DatagramOrder) => {
  if (order.type === "start") {
    run = new Run(order.job);
    run.start(() => tell({ type: "started" }));
  } else if (order.type === "count") tell({ type: "count", ...(run?.take() ?? { sent: 0, received: 0 }) });
  else run?.stop(() => tell({ type: "stopped" }));
});

class Run {
  readonly #job: DatagramJob;
  readonly #socket: Socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  #control: TcpSocket | undefined;
  #message: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #received = 0;
  #open = 0;
  #over = false;

  constructor(job: DatagramJob) {
    this.#job = job;
  }

  start(onStart: () => void): void {
    this.#socket.on("error", () => {}); // what does not arrive is counted as lost
    this.#socket.on("message", () => this.#onAnswer());
    this.#socket.bind(0, "127.0.0.1", () => {
      const begin = (port: number, header: Buffer): void => {
        this.#message = Buffer.concat([header, Buffer.alloc(this.#job.length, 0x64)]);
        this.#socket.connect(port, "127.0.0.1", () => {
          onStart();
          this.#begin();
        });
      };
      const { proxyPort, targetPort } = this.#job;
      if (proxyPort === 0) return begin(targetPort, Buffer.alloc(0));
      const header = Buffer.of(0, 0, 0, 0x01, 127, 0, 0, 1, targetPort >> 8, targetPort & 0xff);
      this.#control = associate(proxyPort, this.#socket.address().port, (relayPort) => begin(relayPort, header));
    });
  }

  /** What was counted since this was asked last. */
  take(): { readonly sent: number; readonly received: number } {
    const counted = { sent: this.#sent, received: this.#received };
    this.#sent = 0;
    this.#received = 0;
    return counted;
  }

  stop(onStopped: () => void): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#control?.destroy();
    this.#socket.close(onStopped);
  }

  #begin(): void {
    if (this.#job.mode === "round-trips") this.#refill();
    else if (this.#job.rate === 0) this.#flood();
    else this.#pace(performance.now(), 0);
  }

  #flood(): void {
    if (this.#over) return;
    for (let i = 0; i < BURST; i++) this.#send();
    setImmediate(() => this.#flood());
  }

  /** Sends what is due, every other millisecond. */
  #pace(sinceMs: number, already: number): void {
    if (this.#over) return;
    const due = Math.floor(((performance.now() - sinceMs) / 1000) * this.#job.rate);
    for (let i = already; i < due; i++) this.#send();
    this.#timer = setTimeout(() => this.#pace(sinceMs, due), 2);
  }

  #refill(): void {
    while (this.#open < this.#job.window) {
      this.#open += 1;
      this.#send();
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#open = 0;
      this.#refill();
    }, LOST_AFTER_MS);
  }

  #onAnswer(): void {
    this.#received += 1;
    if (this.#over || this.#job.mode === "flood") return;
    this.#timer?.refresh();
    this.#send();
  }

  #send(): void {
    this.#sent += 1;
    this.#socket.send(this.#message);
  }
}

/** UDP ASSOCIATE for datagrams from `port`; fixed octets, from RFC 1928 sections 3, 4 and 6. */
function associate(proxyPort: number, port: number, onRelay: (relayPort: number) => void): TcpSocket {
  const control = connect(proxyPort, "127.0.0.1");
  let replies = Buffer.alloc(0);
  control.on("data", (chunk: Buffer) => {
    replies = Buffer.concat([replies, chunk]);
    if (replies.length < 12) return;
    if (replies[3] !== 0x00) throw new RangeError(`the proxy refuses an association: ${replies.toString("hex")}`);
    control.removeAllListeners("data");
    control.resume();
    onRelay(replies.readUInt16BE(10));
  });
  control.on("error", () => {}); // no datagram arrives then, and the figures say so
  control.write(Buffer.of(0x05, 0x01, 0x00, 0x05, 0x03, 0x00, 0x01, 127, 0, 0, 1, port >> 8, port & 0xff));
  return control;
}

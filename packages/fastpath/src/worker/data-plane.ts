import type { IpAddress } from "@sockskit/wire";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type DatagramRelayHandle, type RelayEvents, RelayOwner } from "../datagrams/relay-owner.ts";
import { LINUX } from "../kernel/layout.ts";
import { NativeKernel } from "../kernel/native-kernel.ts";
import { COUNTER, COUNTER_COUNT, type LoopSettings, type LoopUser, type LookupAnswer } from "../loop/host.ts";
import {
  CONTROL,
  CONTROL_COUNT,
  type EntrancePlan,
  type ListedSession,
  type Order,
  type Report,
  type ThreadData,
} from "./protocol.ts";
import { type PackedReports, unpackReports } from "./report-codec.ts";

/** Runs from `dist/` and, in tests, from `src/`. */
const ENTRY: URL = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);
/** Descriptors up to this number are noted; Linux allows a process 1,048,576 unless it is told otherwise. */
const LEDGER_LENGTH = 1 << 20;
/** How long a list of sessions may take. The thread answers in one turn of its loop. */
const LIST_TIMEOUT_MS = 2_000;
/** Pause before a thread is replaced that did not live longer than this, in milliseconds. */
const MIN_LIFE_MS = 1_000;
/** Room for new objects of the thread, in MiB. */
const YOUNG_GENERATION_MB = 8;
/** Silence after which the first keep-alive probe goes to a client, in seconds. */
const KEEP_ALIVE_DELAY_S = 60;

/** @internal What a {@link DataPlane} starts with. */
export interface DataPlaneOptions {
  /** What its sessions go by. */
  readonly settings: LoopSettings;
  /** One number in shared memory: the last that a session got. */
  readonly lastId: BigInt64Array;
  /** Called with what the thread says, in order. */
  readonly onReport: (report: Report) => void;
  /** Called when the thread has died: its sessions are closed, and another thread takes its place. */
  readonly onDeath: (cause: unknown, sessions: number) => void;
}

interface Door {
  readonly fd: number;
  entrance: EntrancePlan;
}

/**
 * A thread that accepts clients, negotiates, connects and relays, seen from the thread that has the say.
 *
 * @internal
 */
export class DataPlane {
  /** Figures, see `COUNTER`: written by the thread, readable at any time. */
  readonly counters: Float64Array = new Float64Array(new SharedArrayBuffer(COUNTER_COUNT * 8));
  readonly #options: DataPlaneOptions;
  readonly #kernel: NativeKernel;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_COUNT * 4));
  readonly #ledger = new Uint8Array(new SharedArrayBuffer(LEDGER_LENGTH));
  readonly #doors = new Map<number, Door>();
  readonly #acknowledgements = new Map<number, () => void>();
  readonly #eventfd: number;
  readonly #relays: RelayOwner;
  readonly #onExit = (): void => this.#tellToEnd();
  #settings: LoopSettings;
  #worker: Worker;
  #lists = new MessageChannel();
  #startedAtMs = 0;
  #lastToken = 0;
  #isClosing = false;
  #resolveClosed: () => void = () => undefined;
  #closed: Promise<void> | undefined;

  /** Starts the thread. */
  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#kernel = new NativeKernel();
    this.#eventfd = this.#kernel.eventfd();
    this.#relays = new RelayOwner(new NativeKernel(this.#ledger), (id, order) =>
      this.#order({ type: "relay", id, order }),
    );
    // A thread that waits in the kernel does not hear that the process ends.
    process.on("exit", this.#onExit);
    this.#worker = this.#start();
  }

  /** Whether every session of the thread is over. */
  get isIdle(): boolean {
    return this.counters[COUNTER.sessions] === 0;
  }

  /**
   * Accepts clients on a listening socket, which belongs to the data plane from then on. The same `id` again gives new
   * terms to those who come.
   */
  listen(id: number, fd: number, entrance: EntrancePlan): void {
    const door = this.#doors.get(id);
    if (door === undefined) {
      // Accepted sockets inherit these.
      this.#kernel.setOption(fd, LINUX.IPPROTO_TCP, LINUX.TCP_NODELAY, 1);
      this.#kernel.setOption(fd, LINUX.SOL_SOCKET, LINUX.SO_KEEPALIVE, 1);
      this.#kernel.setOption(fd, LINUX.IPPROTO_TCP, LINUX.TCP_KEEPIDLE, KEEP_ALIVE_DELAY_S);
      this.#doors.set(id, { fd, entrance });
    } else door.entrance = entrance;
    this.#order({ type: "listen", id, fd, entrance });
  }

  /** Accepts nobody any more on a listening socket, from this moment on. */
  shut(id: number): void {
    const door = this.#doors.get(id);
    if (door === undefined) return;
    this.#doors.delete(id);
    this.#kernel.stopListening(door.fd);
    this.#order({ type: "shut", id });
  }

  /** Goes by new settings. Handshakes that are under way go on by them. */
  configure(settings: LoopSettings): void {
    this.#settings = settings;
    this.#order({ type: "configure", settings });
    this.#relays.configured();
  }

  /** Resolves when the thread has done everything that it was told before. */
  settled(): Promise<void> {
    this.#lastToken += 1;
    const token = this.#lastToken;
    return new Promise((resolve) => {
      this.#acknowledgements.set(token, resolve);
      this.#order({ type: "acknowledge", token });
    });
  }

  /**
   * Opens a relay for the datagrams of a client that sends them to this address; an error number, negated, when the system
   * has no socket for it.
   */
  openRelay(address: IpAddress, events: RelayEvents): DatagramRelayHandle | number {
    return this.#relays.open(address, events);
  }

  /** Answers a `resolve` report. */
  resolved(id: number, answer: LookupAnswer): void {
    this.#order({ type: "resolved", id, answer });
  }

  /** Answers a `verify` report; a log-in that was right is known for so long. */
  verdict(id: number, user: LoopUser | undefined, knownMs: number): void {
    this.#order({ type: "verdict", id, user, knownMs });
  }

  /** Says that a client has failed to log in, so that none of its log-ins is answered by the thread for a while. */
  doubt(client: string): void {
    this.#order({ type: "doubt", client });
  }

  /** Says that a session which was handed over is over. */
  forget(id: number): void {
    this.#order({ type: "forget", id });
  }

  /** Ends sessions: those without a tunnel, or all. */
  end(tunnels: boolean): void {
    this.#order({ type: "end", tunnels });
  }

  /** Ends one session. */
  kill(id: number): void {
    this.#order({ type: "kill", id });
  }

  /** Open sessions at this moment. Waits for the thread, for one turn of its loop. */
  list(): readonly ListedSession[] {
    if (this.isIdle || this.#isClosing) return [];
    const before = Atomics.load(this.#control, CONTROL.lists);
    this.#order({ type: "list" });
    if (Atomics.wait(this.#control, CONTROL.lists, before, LIST_TIMEOUT_MS) === "timed-out") return [];
    // The last one: an answer that came too late the last time is before it.
    let sessions: readonly ListedSession[] = [];
    for (let next = this.#nextList(); next !== undefined; next = this.#nextList()) sessions = next;
    return sessions;
  }

  /** Ends everything. Resolves when the thread has ended. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#isClosing = true;
      this.#resolveClosed = resolve;
      this.#tellToEnd();
    });
    return this.#closed;
  }

  #nextList(): readonly ListedSession[] | undefined {
    return receiveMessageOnPort(this.#lists.port1)?.message as readonly ListedSession[] | undefined;
  }

  #start(): Worker {
    this.#startedAtMs = performance.now();
    this.#lists = new MessageChannel();
    const data: ThreadData = {
      settings: this.#settings,
      eventfd: this.#eventfd,
      counters: this.counters,
      ledger: this.#ledger,
      control: this.#control,
      lists: this.#lists.port2,
      lastId: this.#options.lastId,
    };
    const worker = new Worker(ENTRY, {
      name: "sockskit-fastpath",
      workerData: data,
      transferList: [this.#lists.port2],
      execArgv: [],
      // What a handshake leaves behind is garbage at once; more room for it is more memory and no gain.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    let cause: unknown;
    worker.on("message", (reports: PackedReports) => {
      for (const report of unpackReports(reports)) this.#take(report);
    });
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => this.#exited(cause));
    return worker;
  }

  #take(report: Report): void {
    if (report.type === "relay") return this.#relays.take(report.id, report.said);
    if (report.type !== "acknowledged") return this.#options.onReport(report);
    this.#acknowledgements.get(report.token)?.();
    this.#acknowledgements.delete(report.token);
  }

  #exited(cause: unknown): void {
    const sessions = this.counters[COUNTER.sessions] as number;
    this.#closeWhatIsLeft();
    for (const name of ["sessions", "handshakes", "tunnels"] as const) this.counters[COUNTER[name]] = 0;
    this.#acknowledge();
    this.#relays.lose();
    if (this.#isClosing) return this.#finish();
    this.#options.onDeath(cause, sessions);
    const pauseMs = performance.now() - this.#startedAtMs < MIN_LIFE_MS ? MIN_LIFE_MS : 0;
    setTimeout(() => this.#replace(), pauseMs);
  }

  #replace(): void {
    if (this.#isClosing) return this.#finish();
    // Opened since then: their sockets are nobody's.
    this.#closeWhatIsLeft();
    this.#relays.lose();
    this.#worker = this.#start();
    // What was to be done by the one that has died is done, or void.
    this.#acknowledge();
    for (const [id, { fd, entrance }] of this.#doors) this.#order({ type: "listen", id, fd, entrance });
  }

  #acknowledge(): void {
    for (const acknowledge of this.#acknowledgements.values()) acknowledge();
    this.#acknowledgements.clear();
  }

  /** The thread had no time to do it. Its listening sockets are not in the ledger: its successor goes on with them. */
  #closeWhatIsLeft(): void {
    for (let fd = this.#ledger.indexOf(1); fd !== -1; fd = this.#ledger.indexOf(1, fd + 1)) {
      this.#ledger[fd] = 0;
      // Nobody knows what was lost: an end would say that nothing was.
      this.#kernel.resetOnClose(fd);
      this.#kernel.close(fd);
    }
  }

  #finish(): void {
    process.removeListener("exit", this.#onExit);
    this.#kernel.close(this.#eventfd);
    this.#resolveClosed();
  }

  #tellToEnd(): void {
    Atomics.store(this.#control, CONTROL.stop, 1);
    this.#kernel.signal(this.#eventfd);
  }

  #order(order: Order): void {
    if (this.#isClosing) return;
    this.#worker.postMessage(order);
    this.#kernel.signal(this.#eventfd);
  }
}

import type { Kernel } from "../kernel/kernel.ts";
import { MEMORY } from "../kernel/layout.ts";

/** A pipe that data is spliced through. */
export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
  /** How much is in it. */
  bytes: number;
}

/** What pipes are asked to hold, in bytes. The system gives unprivileged users less when they have many. */
export const PIPE_CAPACITY = 0x100000;
/** Pipes that are kept for later: a quarter of what the system lets an unprivileged user have of this size. */
const MAX_IDLE = 16;

/** Pipes for those who have data in flight: one of them has a pipe, an idle tunnel has none. */
export class PipePool {
  readonly #kernel: Kernel;
  readonly #idle: Pipe[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** An empty pipe, or `undefined` when the system has none left. */
  take(): Pipe | undefined {
    return this.#idle.pop() ?? this.#open();
  }

  /** Takes a pipe back. One that is not empty is closed: its octets are nobody else's. */
  give(pipe: Pipe): void {
    if (pipe.bytes === 0 && this.#idle.length < MAX_IDLE) this.#idle.push(pipe);
    else this.#close(pipe);
  }

  /** Closes those that are not in use. */
  close(): void {
    for (const pipe of this.#idle.splice(0)) this.#close(pipe);
  }

  #open(): Pipe | undefined {
    const kernel = this.#kernel;
    if (kernel.pipe() < 0) return undefined;
    const numbers = new Int32Array(kernel.memory.buffer, kernel.memory.byteOffset + MEMORY.numbers, 2);
    const [readFd = -1, writeFd = -1] = numbers;
    // What it refuses leaves the pipe as it is; asking for more than it holds does no harm then.
    kernel.setPipeSize(writeFd, PIPE_CAPACITY);
    return { readFd, writeFd, bytes: 0 };
  }

  #close({ readFd, writeFd }: Pipe): void {
    this.#kernel.close(readFd);
    this.#kernel.close(writeFd);
  }
}

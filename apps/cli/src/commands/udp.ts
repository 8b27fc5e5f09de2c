import { associateThrough, type SocksError } from "@sockskit/dial";
import { type Address, formatAddress } from "@sockskit/wire";

import { CliError } from "../cli-error.ts";
import { type RouteOptions, familyOf } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { printable } from "../printable.ts";
import { connectionsOf } from "../proxy-connection.ts";
import { Reporter } from "../reporter.ts";
import { chooseProxy, warn } from "../route.ts";
import { print } from "../standard-output.ts";
import { parseTarget } from "../target.ts";
import { observe } from "../trace.ts";
import { readDatagrams } from "../udp/datagram-lines.ts";

/** Most answers that wait to be written; more are dropped. */
const MAX_WAITING_COUNT = 1000;

/** Options of `sockskit udp`. */
export interface UdpOptions extends RouteOptions {
  /** Datagrams are read and written in hexadecimal. */
  readonly hex: boolean;
  /** How many answers to wait for. */
  readonly answers?: number;
  /** Milliseconds to wait after the last datagram. */
  readonly wait: number;
  /** Datagrams may travel in clear text to a proxy that is reached over TLS. */
  readonly plainDatagrams?: true;
  /** Size of fragments. */
  readonly fragment?: number;
}

/** `sockskit udp`: each line of standard input is a datagram, each answer a line on standard output. */
export async function udp(text: string, options: UdpOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "udp" });
  const target = parseTarget(text);
  const chain = chooseProxy(options, target, "udp");
  warn(chain, reporter);
  const answers = new Answers(options);
  const association = await associateThrough({
    ...observe(reporter),
    ...connectionsOf(options, chain, reporter),
    family: familyOf(options),
    timeoutMs: options.timeout,
    fragmentOctets: options.fragment,
    plainDatagrams: options.plainDatagrams,
    onMessage: (data, source) => answers.take(data, source),
    onClosed: (reason) => answers.end(reason),
  });
  try {
    let sentCount = 0;
    const sending = (async () => {
      for await (const datagram of readDatagrams(process.stdin, options.hex)) {
        await association.send(datagram, target);
        sentCount += 1;
      }
      answers.expectNoMore();
    })();
    await Promise.race([answers.over, sending.then(() => answers.over)]);
    const { receivedCount, unwrittenCount } = answers;
    if (unwrittenCount > 0) {
      const message = `${unwrittenCount} answers were dropped: standard output is read too slowly`;
      reporter.note(`sockskit udp: ${message}`, { type: "dropped", message });
    }
    if (sentCount > 0 && receivedCount === 0 && options.answers !== 0) {
      throw new CliError(
        "ERR_SOCKS_TIMEOUT",
        `no answer from ${formatAddress(target)} within ${options.wait} ms (--wait)`,
      );
    }
    return EXIT_STATUS.success;
  } finally {
    association.close();
  }
}

/** The answers, and when there will be no more of them. */
class Answers {
  /** Settles when enough came, or none came for long enough; rejects when the association ends or nobody reads. */
  readonly over: Promise<void>;
  receivedCount = 0;
  unwrittenCount = 0;
  readonly #options: UdpOptions;
  #waitingCount = 0;
  #written: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isComplete = false;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: UdpOptions) {
    this.#options = options;
    this.over = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
  }

  take(data: Buffer, source: Address): void {
    const { answers } = this.#options;
    if (answers !== undefined && this.receivedCount >= answers) return;
    this.receivedCount += 1;
    this.#wait();
    if (this.#waitingCount >= MAX_WAITING_COUNT) this.unwrittenCount += 1;
    else this.#write(this.#line(data, source));
    if (this.receivedCount === answers) this.#settle();
  }

  /** Nothing more is sent. */
  expectNoMore(): void {
    this.#isComplete = true;
    if (this.#options.answers === 0) this.#settle();
    else this.#wait();
  }

  end(reason: SocksError | undefined): void {
    clearTimeout(this.#timer);
    if (reason !== undefined) this.#fail(reason);
  }

  #write(line: string): void {
    this.#waitingCount += 1;
    this.#written = print(`${line}\n`).then(
      () => void (this.#waitingCount -= 1),
      (error: unknown) => this.#fail(error),
    );
  }

  #line(data: Buffer, source: Address): string {
    const { hex, json } = this.#options;
    const from = formatAddress(source);
    if (json) return JSON.stringify({ type: "message", source: from, hex: data.toString("hex") });
    return `${from} ${hex ? data.toString("hex") : printable(data.toString())}`;
  }

  /** Starts the clock anew, once everything is sent. */
  #wait(): void {
    if (!this.#isComplete) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), this.#options.wait);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    void this.#written.then(this.#finish);
  }
}

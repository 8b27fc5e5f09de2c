import { type DestinationStream, type Logger, pino } from "pino";
import type { LogConfig, LogLevel } from "../config/config.ts";
import { prettyLine } from "./pretty.ts";
import { safeText } from "./safe-text.ts";

/** What a line says besides its message. */
type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Levels of lines. */
type LineLevel = Exclude<LogLevel, "silent">;

/** A log: one line for each call. */
export interface Log {
  /** Whether lines of this level are written. */
  isEnabled(level: LineLevel): boolean;
  /** Writes a line. Fields that are `undefined` are left out. */
  write(level: LineLevel, msg: string, fields?: LogFields): void;
  /** Takes another level and format. */
  configure(config: LogConfig): void;
  /** Waits until everything is written, but not for a reader that has stopped reading. */
  flush(): Promise<void>;
}

/** What may wait for a reader that is slow; more is dropped, so that the log never holds up the server. */
const MAX_WAITING_BYTES = 1024 * 1024;
const FLUSH_DEADLINE_MS = 1000;

/** The log on standard output. */
export function createLog(config: LogConfig): Log {
  const output = new StandardOutput();
  let logger = loggerFor(config, output);
  return {
    isEnabled: (level) => logger.isLevelEnabled(level),
    write(level, msg, fields = {}) {
      logger[level]({ msg, ...fields, time: new Date().toISOString() });
    },
    configure(next) {
      logger = loggerFor(next, output);
    },
    flush: () => output.flush(),
  };
}

function loggerFor({ level, format }: LogConfig, output: StandardOutput): Logger {
  const isPretty = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const isColoured = isPretty && process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "";
  const stream: DestinationStream = {
    write: (line) => output.write(isPretty ? prettyLine(line, isColoured) : `${safeText(line.trimEnd())}\n`),
  };
  return pino({ level, base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } }, stream);
}

class StandardOutput {
  #dropped = 0;
  /** Lines of this turn of the event loop: they go out with one call. */
  #lines = "";

  constructor() {
    // Whoever ends the process at once has its last lines written.
    process.on("exit", () => this.#writeLines());
  }

  write(line: string): void {
    if (process.stdout.writableLength + this.#lines.length > MAX_WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    if (this.#lines === "") setImmediate(() => this.#writeLines());
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      this.#lines += `{"level":"warn","msg":"log lines dropped: nobody read them","count":${count}}\n`;
    }
    this.#lines += line;
  }

  #writeLines(): void {
    if (this.#lines === "") return;
    const lines = this.#lines;
    this.#lines = "";
    process.stdout.write(lines);
  }

  flush(): Promise<void> {
    this.#writeLines();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_DEADLINE_MS);
      process.stdout.write("", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

import { parseArgs } from "node:util";

/** How a measurement is to be run. */
export interface BenchOptions {
  readonly rounds: number;
  /** Of one row and one server in one round. */
  readonly seconds: number;
  /** Parts of names; none means everything. */
  readonly only: readonly string[];
  /** Whether the figures go into the documentation. */
  readonly write: boolean;
}

const MOST = { rounds: 50, seconds: 60 } as const;

/** Reads the command line; ends the process with `usage` when that was asked for, or when something is wrong. */
export function readOptions(usage: string, { canWrite = false } = {}): BenchOptions {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string", default: "3" },
        seconds: { type: "string", default: "2" },
        only: { type: "string", multiple: true, default: [] },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const { only, write } = values;
    if (write && !canWrite) throw new TypeError("Unknown option '--write'");
    return { rounds: bounded("rounds", values.rounds), seconds: bounded("seconds", values.seconds), only, write };
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return process.exit(2);
  }
}

function bounded(name: keyof typeof MOST, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= MOST[name] && (name === "seconds" || Number.isInteger(value))) return value;
  throw new TypeError(`--${name} is "${text}"; expected a number up to ${MOST[name]}`);
}

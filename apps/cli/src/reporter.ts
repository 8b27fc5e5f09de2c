import { styleText } from "node:util";

import { exitStatusOf } from "./exit-status.ts";
import { printable, printableJson } from "./printable.ts";

/** What a {@link Reporter} needs to know. */
export interface ReporterOptions {
  /** Name of the command, for the beginning of messages. */
  readonly command: string;
  /** One JSON object per line instead of text. */
  readonly json: boolean;
  /** 0 errors only, 1 steps, 2 octets. */
  readonly verbose: number;
}

/** Fields of errors of this project that are worth showing to a program. */
interface ErrorFields {
  readonly code?: unknown;
  readonly stage?: unknown;
  readonly hop?: unknown;
  readonly reply?: unknown;
  readonly httpStatus?: unknown;
  readonly variable?: unknown;
  readonly position?: unknown;
}

/** Says things on standard error: one line each, for people or as JSON. */
export class Reporter {
  /** What it was made with. */
  readonly options: ReporterOptions;

  /** Makes a reporter. */
  constructor(options: ReporterOptions) {
    this.options = options;
  }

  /** Says what went wrong. A failure that this program did not foresee comes with its origin. */
  error(error: unknown): void {
    const { code, stage, hop, reply, httpStatus, variable, position } = (error ?? {}) as ErrorFields;
    const message = error instanceof Error ? error.message : String(error);
    if (this.options.json) {
      const known = { code, message, stage, hop, reply, httpStatus, variable, position };
      this.#write(printableJson({ type: "error", ...known, exitStatus: exitStatusOf(error) }));
      return;
    }
    const suffix = typeof code === "string" ? ` [${code}]` : originOf(error);
    const prefix = styleText(["red", "bold"], `${`sockskit ${printable(this.options.command)}`.trim()}:`, {
      stream: process.stderr,
    });
    this.#write(`${prefix} ${printable(message)}${suffix}`);
  }

  /** Says something that is no failure; programs get `data` with its type. */
  note(text: string, data: { readonly type: string } & Readonly<Record<string, unknown>>): void {
    this.#write(this.options.json ? printableJson(data) : printable(text));
  }

  /** A {@link note} about a step, with its time; only with `-v`. */
  step(elapsedMs: number, text: string, data: { readonly type: string } & Readonly<Record<string, unknown>>): void {
    if (this.options.verbose === 0) return;
    const time = `${Math.round(elapsedMs)} ms`.padStart(8);
    const rounded = Math.round(elapsedMs * 1000) / 1000;
    if (this.options.json) this.#write(printableJson({ ...data, elapsedMs: rounded }));
    else this.#write(`${styleText("dim", time, { stream: process.stderr })}  ${printable(text)}`);
  }

  #write(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}

/** Where an unforeseen error comes from: what a bug report needs, on the same line. */
function originOf(error: unknown): string {
  const frame =
    error instanceof Error ? error.stack?.split("\n").find((line) => line.startsWith("    at ")) : undefined;
  return frame === undefined ? "" : ` (unforeseen, ${printable(frame.trim())})`;
}

import { readFileSync } from "node:fs";
import { type Command, CommanderError } from "commander";
import { commandLine } from "./command-line.ts";
import { nearest } from "./config/nearest.ts";
import { ConfigError, type ConfigProblem, formatProblem, positionOf } from "./config/problem.ts";
import { UsageError } from "./errors.ts";
import { safeText } from "./log/safe-text.ts";

/** Exit statuses, as the help says. */
const OK = 0;
const FAILED = 1;
const BAD_USAGE = 2;

/**
 * Runs sockskitd with the words of a command line.
 *
 * @param words The arguments, without the program's own name.
 * @returns The exit status.
 */
export async function main(words: readonly string[]): Promise<number> {
  // A reader that went away is no failure, and no reason to stop serving.
  process.stdout.on("error", () => undefined);
  let status = OK;
  const program = commandLine(packageVersion(), {
    // Each command loads what it needs: the others need not wait for it.
    run: async (file, flags, drain) => {
      const { parseDuration } = await import("./config/values.ts");
      const drainMs = parseDuration(drain);
      if (drainMs === undefined)
        throw new UsageError(`--drain ${JSON.stringify(drain)}: expected a duration such as 30s or 5m`);
      const { run } = await import("./run/run.ts");
      status = await run({ file, flags, drainMs });
    },
    check: async (file, flags) => (await import("./commands/check.ts")).check(file, flags),
    explain: async (file, flags, asked) => (await import("./commands/explain.ts")).explain(file, flags, asked),
    passwd: async (algorithm) => (await import("./commands/passwd.ts")).passwd(algorithm),
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      // The parser complains of the options behind a word that it does not know, or of too many words.
      outputError: (text, write) =>
        write(complaint((command === program ? unknownCommand(program) : undefined) ?? text)),
    });
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return status;
  } catch (error) {
    return statusOf(error);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? OK : BAD_USAGE;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!(error instanceof Error) || !code.startsWith("ERR_SOCKS_")) throw error;
  const lines = error instanceof ConfigError ? error.problems.map(configComplaint) : error.message.split("\n").map(own);
  for (const line of lines) process.stderr.write(`${line}\n`);
  return code === "ERR_SOCKS_LISTEN_FAILED" ? FAILED : BAD_USAGE;
}

/** Mistakes inside a file begin with their place, so that editors find it. */
function configComplaint(problem: ConfigProblem): string {
  const line = formatProblem(problem);
  return positionOf(problem) === undefined ? own(line) : line;
}

function own(line: string): string {
  return `sockskitd: ${safeText(line)}`;
}

/** What there is to say of a first word that is no command; `undefined` when it is one, or an option. */
function unknownCommand({ args: [word], commands }: Command): string | undefined {
  const known = commands.map((command) => command.name());
  if (word === undefined || word.startsWith("-") || known.includes(word)) return undefined;
  const near = nearest(word, known);
  const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
  return `unknown command ${JSON.stringify(word)}${hint}; expected ${known.join(", ")}, or none to serve`;
}

/** One line, without the word "error". */
function complaint(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /u, "")
    .replace(/\s*\n\s*/gu, " ");
  return `sockskitd: ${safeText(line)}; sockskitd --help says more\n`;
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}

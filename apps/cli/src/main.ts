import { CliError } from "./cli-error.ts";
import { endProcess } from "./end-process.ts";
import { EXIT_STATUS, exitStatusOf } from "./exit-status.ts";
import { Reporter } from "./reporter.ts";
import { print } from "./standard-output.ts";
import { version } from "./version.ts";

/** Commands of the plan that are not there yet: refused by name, instead of being called unknown. */
const LATER: ReadonlySet<string> = new Set(["decode", "check", "explain", "run", "gateway"]);

/** What a message may begin with: nothing else of the command line, which may be a proxy URL with a password. */
const COMMANDS: ReadonlySet<string> = new Set([
  ...LATER,
  "connect",
  "fetch",
  "probe",
  "forward",
  "bind",
  "udp",
  "resolve",
  "serve",
  "identd",
  "help",
]);

/** Runs the command line and ends the process with its status. */
export async function run(args: readonly string[]): Promise<void> {
  process.on("uncaughtException", (error) => process.exit(report(args, error)));
  // Nobody reads the messages: then there is nobody to tell that to.
  process.stderr.on("error", () => undefined);
  await endProcess(await runToStatus(args));
}

async function runToStatus(args: readonly string[]): Promise<number> {
  try {
    const [first = ""] = args;
    if (first === "--version" || first === "-V") {
      await print(`${version()}\n`);
      return EXIT_STATUS.success;
    }
    if (LATER.has(first)) {
      throw new CliError("ERR_SOCKS_NOT_SUPPORTED_YET", `the command "${first}" is not supported yet`);
    }
    // The argument parser is loaded only when there is something to parse.
    const { runCommand } = await import("./program.ts");
    return await runCommand(args);
  } catch (error) {
    return report(args, error);
  }
}

function report(args: readonly string[], error: unknown): number {
  const status = exitStatusOf(error);
  const first = args.find((argument) => !argument.startsWith("-")) ?? "";
  const command = COMMANDS.has(first) ? first : "";
  const reporter = new Reporter({ command, json: args.includes("--json"), verbose: 0 });
  // Like any program in a pipeline: the reader knows why it left.
  if (status !== EXIT_STATUS["broken-pipe"]) reporter.error(error);
  return status;
}

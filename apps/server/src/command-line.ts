import { Command, InvalidArgumentError, Option } from "commander";
import type { ExplainFlags } from "./commands/explain.ts";
import type { ConfigFlags } from "./config/flags.ts";
import { UsageError } from "./errors.ts";

/** What the command line asks for, one function for each command. */
export interface Commands {
  run(file: string | undefined, flags: ConfigFlags, drain: string): Promise<void>;
  check(file: string | undefined, flags: ConfigFlags): Promise<void>;
  explain(file: string | undefined, flags: ConfigFlags, asked: ExplainFlags): Promise<void>;
  passwd(algorithm: string): Promise<void>;
}

type ConfigOptions = ConfigFlags & { readonly config?: string };

const EXAMPLES = `
Examples:
  sockskitd                                        programs on this host, port 1080
  sockskitd --listen 0.0.0.0:1080 --user alice:x   everybody who knows the password
  sockskitd --config sockskit.yaml                 what the file says
  sockskitd check --config sockskit.yaml           is the file right, and what does it mean
  sockskitd explain --config sockskit.yaml --from 203.0.113.9 --to 10.0.0.1:22
  sockskitd passwd < password.txt                  a hash for the file

Signals: SIGTERM and SIGINT stop after open tunnels had their time, a second one at once; SIGHUP reloads.
Exit status: 0 asked to stop, 1 failed while running, 2 bad usage or configuration.`;

/** The command line of sockskitd. */
export function commandLine(version: string, commands: Commands): Command {
  const program = new Command("sockskitd")
    .description("A SOCKS 4, 4A and 5 server.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  withConfigOptions(program)
    .option("--drain <duration>", "how long open tunnels may go on when it stops", "30s")
    .action(({ drain, ...options }: ConfigOptions & { drain: string }) =>
      commands.run(options.config, flagsOf(options), drain),
    );

  withConfigOptions(program.command("check").description("print the configuration that would be in effect")).action(
    (options: ConfigOptions) => commands.check(options.config, flagsOf(options)),
  );

  withConfigOptions(
    program.command("explain").description("say which rule decides on a request, and why"),
    "configuration",
  )
    .requiredOption("--from <client>", "address of the client")
    .requiredOption("--to <host:port>", "what it asks for")
    .option("--user <name>", "user that it logged in as")
    .option("--command <command>", "connect, bind, udp-associate, resolve or resolve-ptr", "connect")
    .action((options: ExplainFlags & { config?: string }) => {
      const { config, ...asked } = options;
      return commands.explain(config, {}, asked);
    });

  program
    .command("passwd")
    .description("read a password, without showing it, and print its hash")
    .option("--algorithm <name>", "scrypt or argon2id (which needs Node 24.7)", "scrypt")
    .action(({ algorithm }: { algorithm: string }) => commands.passwd(algorithm));

  for (const command of program.commands) command.hook("preAction", () => refuseStrayOptions(program, command));
  return program;
}

/** Options in front of a command belong to nobody. */
function refuseStrayOptions(program: Command, command: Command): void {
  const stray = program.options.find((option) => program.getOptionValueSource(option.attributeName()) === "cli");
  if (stray !== undefined) {
    throw new UsageError(
      `${stray.long}: expected after the command, as in: sockskitd ${command.name()} ${stray.long} ...`,
    );
  }
}

function withConfigOptions(command: Command, which: "all" | "configuration" = "all"): Command {
  command.option("-c, --config <file>", "configuration file (YAML)");
  if (which === "configuration") return command;
  return command
    .option("-l, --listen <address>", "listen here, 127.0.0.1:1080 if nothing is said (repeatable)", append)
    .option("--user <name:password>", "a user, for trying things out: process lists show it (repeatable)", append)
    .option("--auth <methods>", "methods, most preferred first: none, userpass")
    .option("--users-file <file>", "users, one name:hash per line")
    .option("--allow-open-proxy", "serve other hosts without asking for a password")
    .option("--engine <engine>", "auto, portable or fastpath")
    .addOption(new Option("--workers <count>", "threads of the fast path").hideHelp()) // refused: not supported yet
    .option("--log-level <level>", "silent, error, warn, info or debug")
    .option("--log-format <format>", "auto, pretty or json");
}

function append(value: string, previous: readonly string[] = []): readonly string[] {
  if (value === "") throw new InvalidArgumentError("expected something.");
  return [...previous, value];
}

function flagsOf(options: ConfigOptions): ConfigFlags {
  const { config: _file, ...flags } = options;
  return flags;
}

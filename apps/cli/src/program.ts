import { Command, CommanderError, type Option } from "commander";

import { usageError } from "./cli-error.ts";
import { type RouteOptions, addCommonOptions, addNetworkOptions, addRouteOptions, collect } from "./options.ts";
import { parseDuration } from "./duration.ts";
import { addProxyConnectionOptions } from "./proxy-connection.ts";
import { EXIT_STATUS } from "./exit-status.ts";
import type { BindOptions } from "./commands/bind.ts";
import type { FetchOptions } from "./commands/fetch.ts";
import type { ProbeOptions } from "./commands/probe.ts";
import type { IdentdOptions } from "./commands/identd.ts";
import type { ServeOptions } from "./commands/serve.ts";
import type { UdpOptions } from "./commands/udp.ts";
import { showArgument, showUnknownWord } from "./show-argument.ts";
import { print } from "./standard-output.ts";

/**
 * Reads the command line and runs the command. Each command is loaded when it is called.
 *
 * @returns The exit status.
 * @throws CliError `ERR_SOCKS_USAGE`, and what the command throws.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  let help = "";
  let status: number = EXIT_STATUS.success;
  const program = new Command("sockskit")
    .description("SOCKS from the command line: connect, fetch, probe, forward, bind, udp, resolve, serve, identd.")
    .exitOverride()
    .configureOutput({ writeOut: (text) => (help += text), writeErr: () => undefined })
    .helpCommand("help [command]", "explain a command")
    .option("-V, --version", "print the version")
    .addHelpText("after", GENERAL_HELP);
  const finish = (result: Promise<number>): Promise<void> => result.then((value) => void (status = value));

  addRouteOptions(program.command("connect"))
    .description("a tunnel on standard input and output, for example as an ssh ProxyCommand")
    .argument("<host:port>", "where to")
    .addHelpText("after", CONNECT_HELP)
    .action((target: string, options: RouteOptions) =>
      finish(import("./commands/connect.ts").then(({ connect }) => connect(target, options))),
    );

  addRouteOptions(program.command("fetch"))
    .description("HTTP and HTTPS through the proxy: the body goes to standard output")
    .argument("<url>", "what to fetch; http:// may be left out")
    .option("-L, --location", "follow redirects", false)
    .option("--max-redirs <count>", "most redirects to follow", parseCount, 50)
    .option("-i, --include", "write the head of the response before the body", false)
    .option("-I, --head", "ask for the head only (HEAD), and write it", false)
    .option("-o, --output <file>", "write to a file instead of standard output")
    .option("-H, --header <line>", 'header to send, "Name: value"; repeatable; "Name:" leaves one out', collect, [])
    .option("-X, --request <method>", "method to use")
    .option(
      "-d, --data <data>",
      "body to send, as POST; repeatable; @file reads a file, @- standard input",
      collect,
      [],
    )
    .option("-f, --fail", "a status of 400 or more is a failure, without the body", false)
    .option("--cacert <file>", "trust the certificates in this PEM file instead of the usual ones")
    .option("-m, --max-time <duration>", "for everything", parseDuration)
    .addHelpText("after", FETCH_HELP)
    .action((url: string, options: FetchOptions) =>
      finish(import("./commands/fetch.ts").then(({ fetchUrl }) => fetchUrl(url, options))),
    );

  addCommonOptions(
    addProxyConnectionOptions(addNetworkOptions(program.command("probe"), "5s", "for each answer of the proxy")),
  )
    .description("what proxies speak: versions, methods, commands, latency")
    .argument("[proxy...]", "URL, or host:port; - reads a list from standard input")
    .option(
      "--file <list>",
      "a list of proxies, one per line, # begins a comment; repeatable; - is standard input",
      collect,
      [],
    )
    .option("--concurrency <count>", "proxies of a list at a time, 1 to 256", parseConcurrency, 16)
    .option("--full", "a full report of each proxy of a list, instead of a table", false)
    .option("--target <host:port>", "what to ask the proxy to connect to; by default a closed port of its own host")
    .addHelpText("after", PROBE_HELP)
    .action((proxies: string[], options: ProbeOptions) =>
      finish(import("./commands/probe.ts").then(({ probe }) => probe(proxies, options))),
    );

  addRouteOptions(program.command("forward"))
    .description("a local port that leads through the proxy")
    .argument("<local>", "[address:]port to listen on; 127.0.0.1 unless given, port 0 takes a free one")
    .argument("<host:port>", "where to")
    .addHelpText("after", FORWARD_HELP)
    .action((local: string, target: string, options: RouteOptions) =>
      finish(import("./commands/forward.ts").then(({ forward }) => forward(local, target, options))),
    );

  addRouteOptions(program.command("bind"))
    .description("a connection that comes in at the proxy, on standard input and output")
    .argument("<host[:port]>", "who is expected to connect; 0.0.0.0 is anybody, where the proxy allows it")
    .addOption(acceptTimeout(program))
    .addHelpText("after", BIND_HELP)
    .action((peer: string, options: BindOptions) =>
      finish(import("./commands/bind.ts").then(({ bind }) => bind(peer, options))),
    );

  addRouteOptions(program.command("udp"))
    .description("datagrams through the proxy: each line of standard input is one, each answer a line")
    .argument("<host:port>", "where to")
    .option("--hex", "read and write datagrams in hexadecimal", false)
    .option("-n, --answers <count>", "end after so many answers; 0 waits for none", parseCount)
    .addOption(answerTimeout(program))
    .option("--fragment <bytes>", "send longer datagrams in fragments of this size; most proxies drop them", parseSize)
    .option("--plain-datagrams", "allow datagrams in clear text to a proxy that is reached over TLS")
    .addHelpText("after", UDP_HELP)
    .action((target: string, options: UdpOptions) =>
      finish(import("./commands/udp.ts").then(({ udp }) => udp(target, options))),
    );

  addRouteOptions(program.command("resolve"))
    .description("the address of a name, or the name of an address, as the proxy knows it: Tor, and few others")
    .argument("<name|address>", "what to look up; it is never looked up on this side")
    .addHelpText("after", RESOLVE_HELP)
    .action((subject: string, options: RouteOptions) =>
      finish(import("./commands/resolve.ts").then(({ resolve }) => resolve(subject, options))),
    );

  addCommonOptions(program.command("serve"))
    .description("a SOCKS server for a moment; sockskitd is the one to keep")
    .argument("[address]", "[address:]port to listen on", "127.0.0.1:1080")
    .option("-u, --user <name:password>", "let only this user in; repeatable", collect, [])
    .option("--open", "let everybody in on an address that other hosts can reach", false)
    .addHelpText("after", SERVE_HELP)
    .action((address: string, options: ServeOptions) =>
      finish(import("./commands/serve.ts").then(({ serve }) => serve(address, options))),
    );

  addCommonOptions(program.command("identd"))
    .description("answers RFC 1413 from the kernel's socket table: whose a connection of this host is")
    .argument("[address]", "[address:]port to listen on; port 113 needs a privilege", "127.0.0.1:113")
    .option("--tell <what>", "what of users: name, uid, hash, hidden or fixed:NAME", "name")
    .option("--hash-key-file <file>", "key of --tell hash, 16 bytes or more; by default each start has a new one")
    .option("--peer <network>", "answer only this address or network; repeatable", collect, [])
    .addHelpText("after", IDENTD_HELP)
    .action((address: string, options: IdentdOptions) =>
      finish(import("./commands/identd.ts").then(({ identd }) => identd(address, options))),
    );

  if (args.length === 0) throw usageError("no command given; sockskit --help lists them");
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(`${sentence(error)}; see sockskit --help`);
    await print(help);
  }
  return status;
}

/** Codes of Commander whose messages quote what this file declares, and nothing of the command line. */
const QUOTES_DECLARATIONS: ReadonlySet<string> = new Set([
  "commander.missingArgument",
  "commander.optionMissingArgument",
]);

/** Commander's message on one line, without its prefix and without what may be a secret. */
function sentence({ code, message }: CommanderError): string {
  // From the first quote to the last: the word itself may contain some.
  const shown = QUOTES_DECLARATIONS.has(code)
    ? message
    : code === "commander.excessArguments"
      ? message.replace(/( but got \d+): .*/s, "$1")
      : message.replace(/'(.*)'/s, (_quoted, word: string) => `'${showUnknownWord(word)}'`);
  return shown
    .replace(/^error: /, "")
    .replaceAll(/\.?\s*\n\s*/g, " ")
    .replace(/\.$/, "");
}

function acceptTimeout(program: Command): Option {
  const option = program.createOption("--accept-timeout <duration>", "how long the peer may take to connect");
  return option.argParser(parseDuration).default(parseDuration("130s"), "130s");
}

function answerTimeout(program: Command): Option {
  const option = program.createOption("--wait <duration>", "how long to wait after the last datagram, either way");
  return option.argParser(parseDuration).default(parseDuration("2s"), "2s");
}

function parseConcurrency(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 256) return count;
  throw usageError(`${showArgument(text)} is no number from 1 to 256`);
}

function parseSize(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw usageError(`${showArgument(text)} is no number of bytes`);
}

function parseCount(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw usageError(`${showArgument(text)} is no number from 0 to 9999`);
}

const GENERAL_HELP = `
Without -x the proxy comes from the environment: all_proxy, SOCKS_SERVER and others; no_proxy lists what is reached directly.

Examples:
  sockskit probe 127.0.0.1:1080
  sockskit fetch -x socks5h://127.0.0.1:1080 https://example.com/
  ssh -o ProxyCommand='sockskit connect -x socks5h://127.0.0.1:1080 %h:%p' server.example
  sockskit forward -x socks5h://127.0.0.1:1080 8080 intranet.example:80
  echo hello | sockskit udp -x socks5h://127.0.0.1:1080 echo.example:7
  sockskit serve 127.0.0.1:1080

Exit status: 0 success, 1 other failure, 2 usage, 3 resolve, 4 dial-proxy, 5 negotiate, 6 authenticate, 7 request, 8 relay,
9 timeout, 10 tls (with a proxy).`;

const CONNECT_HELP = `
Examples:
  sockskit connect -x socks5h://proxy.example:1080 server.example:22
  sockskit connect -x socks5h://alice:secret@gate.example -x socks4a://10.2.2.2 server.example:25
  ssh -o ProxyCommand='sockskit connect -x socks5h://proxy.example %h:%p' server.example
  sockskit connect -x https://proxy.example --proxy-cacert company.pem -x socks5h://10.2.2.2 server.example:22
  all_proxy=socks5h://proxy.example sockskit connect server.example:22`;

const FETCH_HELP = `
Examples:
  sockskit fetch -x socks5h://proxy.example https://example.com/ -o page.html
  sockskit fetch -x socks5h://proxy.example -L -i http://example.com/
  sockskit fetch -x socks5h://proxy.example -d name=value https://api.example/
  https_proxy=socks5h://proxy.example sockskit fetch --json -I https://example.com/`;

const PROBE_HELP = `
Examples:
  sockskit probe 127.0.0.1:1080
  sockskit probe socks5://alice:secret@proxy.example --target example.com:80
  sockskit probe --json socks5://a.example socks5://b.example
  sockskit probe --file proxies.txt --concurrency 64 --timeout 3s
  grep -v slow proxies.txt | sockskit probe --json - | jq -r 'select(.protocol == "socks") | .proxy'`;

const FORWARD_HELP = `
Examples:
  sockskit forward -x socks5h://proxy.example 8080 intranet.example:80
  sockskit forward -x socks5h://proxy.example '[::1]:5432' db.example:5432`;

const BIND_HELP = `
Where the peer must connect to is written to standard error. The peer's data goes to standard output.

Examples:
  sockskit bind -x socks5h://proxy.example ftp.example > file
  sockskit bind -x socks4a://proxy.example --accept-timeout 10s 192.0.2.10:20`;

const UDP_HELP = `
Each answer is a line: who sent it, a space, the data. It ends --wait after the last datagram; without any answer with 9.

Examples:
  echo hello | sockskit udp -x socks5h://proxy.example echo.example:7
  echo 1234010000010000000000000765786d706c6503636f6d0000010001 |
    sockskit udp -x socks5h://proxy.example --hex -n 1 192.0.2.53:53`;

const RESOLVE_HELP = `
The address of a name is asked for with RESOLVE (SOCKS 5, 4A and 4), the name of an address with RESOLVE_PTR (SOCKS 5). A
sockskitd answers where a rule names these commands.

Examples:
  sockskit resolve -x socks5h://127.0.0.1:9050 example.com
  sockskit resolve -x socks5h://127.0.0.1:9050 192.0.2.10`;

const SERVE_HELP = `
Examples:
  sockskit serve
  sockskit serve 1081 -v
  sockskit serve 0.0.0.0:1080 --user alice:secret`;

const IDENTD_HELP = `
Hosts that are asked from elsewhere need an address that the asker reaches, and askers go to port 113. Without the right to
use that port (root, or CAP_NET_BIND_SERVICE), listen on a higher one and redirect 113 to it.

Examples:
  sudo sockskit identd 0.0.0.0:113 --peer 192.0.2.0/24
  sockskit identd 127.0.0.1:1113 --tell hidden -v
  sockskit identd 1113 --tell hash --hash-key-file ident.key`;

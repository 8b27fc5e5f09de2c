import { readFileSync } from "node:fs";

import { createIdentServer, type IdentAnswered, type IdentDisclosure, userIdText } from "@sockskit/identd";
import { formatAddress, formatHost } from "@sockskit/wire";

import { CliError, reasonOf, usageError } from "../cli-error.ts";
import { showArgument } from "../show-argument.ts";
import type { CommonOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { interruption } from "../interruption.ts";
import { Reporter } from "../reporter.ts";
import { print } from "../standard-output.ts";
import { parseListenAddress } from "../target.ts";

/** Options of `sockskit identd`. */
export interface IdentdOptions extends CommonOptions {
  /** What is told of users. */
  readonly tell: string;
  /** File with the key of `--tell hash`. */
  readonly hashKeyFile?: string;
  /** Addresses and networks that are answered; empty: everybody. */
  readonly peer: readonly string[];
}

/** `sockskit identd`: answers whose the connections of this host are, for as long as the command runs. */
export async function identd(address: string, options: IdentdOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "identd" });
  if (process.platform !== "linux") {
    const message = "identd finds the owners of connections in the kernel's table of Linux; this is another system";
    throw new CliError("ERR_SOCKS_USAGE", message);
  }
  const { tell, hashKeyFile, peer } = options;
  const disclose = parseDisclosure(tell);
  if (hashKeyFile !== undefined && disclose !== "hash") throw usageError("--hash-key-file is only for --tell hash");
  const start = performance.now();
  const server = createIdentServer({
    ...parseListenAddress(address),
    disclose,
    ...(hashKeyFile !== undefined && { hashKey: readKey(hashKeyFile) }),
    ...(peer.length > 0 && { peers: peer }),
    onAnswer: (event) => tellAnswer(event, reporter, performance.now() - start),
    onError: (error) => reporter.error(error),
  });
  const { host, port, ...rest } = await server.listen();
  const text = formatAddress({ host, port, ...rest });
  await print(
    options.json
      ? `${JSON.stringify({ type: "listening", address: host, port })}\n`
      : `answering ident queries on ${text}\n`,
  );
  await interruption();
  await server.close();
  return EXIT_STATUS.success;
}

/**
 * Reads the value of `--tell`.
 *
 * @throws CliError `ERR_SOCKS_USAGE`.
 */
function parseDisclosure(text: string): IdentDisclosure {
  if (text === "name" || text === "uid" || text === "hash" || text === "hidden") return text;
  if (/^fixed:./su.test(text)) return { fixed: text.slice("fixed:".length) };
  throw usageError(`${showArgument(text)} is nothing to tell; expected name, uid, hash, hidden or fixed:NAME`);
}

function readKey(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError("ERR_SOCKS_FILE", `cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

function tellAnswer({ asker, reply }: IdentAnswered, reporter: Reporter, elapsedMs: number): void {
  const { portOnServer, portOnClient } = reply;
  const answer = reply.type === "error" ? reply.errorType : `${reply.opsys} ${userIdText(reply)}`;
  const host = formatHost(asker);
  const text = `${host} asked for the owner of port ${portOnServer} to its ${portOnClient}: ${answer}`;
  reporter.step(elapsedMs, text, { type: "answered", asker: host, portOnServer, portOnClient, answer });
}

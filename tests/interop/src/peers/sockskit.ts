import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { ACCOUNT } from "./account.ts";
import { lookUpOnce, nameServiceEnvironment } from "./names.ts";
import { startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

const require = createRequire(import.meta.url);
const SERVER = join(dirname(require.resolve("sockskitd/package.json")), "bin", "sockskitd.js");
/** The same rows run over either engine. */
const ENGINE = ["--engine", process.env["SOCKSKIT_TEST_ENGINE"] === "fastpath" ? "fastpath" : "portable"];
const CLI = join(dirname(require.resolve("sockskit/package.json")), "bin", "sockskit.js");

/** How `sockskitd` is set up. */
export interface SockskitdOptions extends PeerOptions {
  /** A configuration file. Default: none, and a log of everything to explain failures. */
  readonly configuration?: string;
  /** The versions that its listener takes. Default: all. */
  readonly versions?: readonly (4 | 5)[];
}

/** Starts `sockskitd` on a free loopback port. */
export async function startSockskitd(scope: Scope, options: SockskitdOptions = {}): Promise<ServerPeer> {
  const named = options.targetName === true;
  const password = options.password === true;
  const env = named ? await nameServiceEnvironment(await scope.temporaryFolder(), { hosts: true }) : {};
  const port = await freePort();
  const account = password ? ["--user", `${ACCOUNT.username}:${ACCOUNT.password}`] : [];
  const listener = `127.0.0.1:${port}`;
  const configuration =
    options.versions === undefined
      ? options.configuration
      : `listen: [{ address: "${listener}", versions: [${options.versions.join()}] }]\n`;
  const settings =
    configuration === undefined
      ? ["--log-level", "debug", "--log-format", "json"]
      : ["--config", await writeConfiguration(scope, configuration)];
  const listen = options.versions === undefined ? ["--listen", listener] : [];
  const argv = [process.execPath, SERVER, ...ENGINE, ...listen, ...settings, ...account];
  const peer = await startServer(scope, port, argv, { env });
  if (named) await lookUpOnce(port, password);
  return peer;
}

async function writeConfiguration(scope: Scope, text: string): Promise<string> {
  const file = join(await scope.temporaryFolder(), "sockskit.yaml");
  await writeFile(file, text);
  return file;
}

/** Program and arguments of a `sockskit` command. */
export function sockskit(...args: readonly string[]): readonly string[] {
  return [process.execPath, CLI, ...args];
}

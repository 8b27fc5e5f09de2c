import { dirname, resolve } from "node:path";
import { createCredentialStore, ServerError, type ServerOptions, type UserConfig } from "@sockskit/server";
import type { Config } from "./config.ts";
import { type ConfigFlags, withFlags } from "./flags.ts";
import { hostText, listenOptions, listenProblems } from "./listeners.ts";
import { ConfigError, type ConfigProblem, formatPath } from "./problem.ts";
import { readTextFile } from "./read-file.ts";
import { gssapiOptions, gssapiWarnings } from "./gssapi.ts";
import { sslOptions, sslProblems } from "./ssl.ts";
import { find, type Located } from "./tree.ts";
import { upstreamOptions, upstreamPaths, upstreamProblems, upstreamWarnings } from "./upstreams.ts";
import { duplicateUsers, type PlacedUser, usersOfFile, usersOfFlags } from "./users.ts";
import { validate } from "./validate.ts";

/** Longest configuration file. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** A configuration that was found to be usable. */
export interface LoadedConfig {
  /** As it was written, with the defaults. */
  readonly config: Config;
  /** Everything that the server is told. Holds credentials: never print it. */
  readonly options: ServerOptions;
  /** Every user, from wherever. Holds hashes: never print it. */
  readonly users: readonly UserConfig[];
  /** Absolute path of the users file, when there is one. */
  readonly usersPath: string | undefined;
  /** Absolute paths of the files with certificates and keys. */
  readonly tlsPaths: readonly string[];
  /** Absolute paths of the files that upstreams name. */
  readonly upstreamPaths: readonly string[];
  /** What is no mistake, but hardly meant. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Reads the configuration file and the users file, lets the flags win, and checks everything that can be
 * checked without opening a socket.
 *
 * @throws ConfigError with every mistake.
 */
export async function loadConfig(file: string | undefined, flags: ConfigFlags): Promise<LoadedConfig> {
  const tree = withFlags(await readTree(file), flags);
  const config = validate(tree);
  const usersPath = usersPathOf(config, file, flags);
  const placed = [
    ...config.auth.users.map((user, index) => ({ place: placeOf(tree, ["auth", "users", index, "name"]), user })),
    ...usersOfFlags(flags.user ?? []),
    ...(usersPath === undefined ? [] : usersOfFile(usersPath)),
  ];
  const users = placed.map(({ user }) => user);
  const folder = file === undefined ? "." : dirname(file);
  const { listen, files } = listenOptions(config, folder, tree);
  const ssl = sslOptions(config.auth.ssl, folder);
  const options = {
    ...optionsOf(config, usersPath === undefined && users.length === 0 ? undefined : users),
    listen,
    ...ssl.options,
    ...gssapiOptions(config.auth.gssapi, folder),
    upstreams: upstreamOptions(config, folder, tree),
  };
  const problems = [
    ...userProblems(placed, servesChap(options)),
    ...listenProblems(config, options, tree),
    ...trustProblems(config, options, tree),
    ...sslProblems(options, tree),
    ...upstreamProblems(config, options, tree),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const warnings = [...upstreamWarnings(config, tree), ...gssapiWarnings(options, file ?? tree.place)];
  const paths = { usersPath, tlsPaths: [...files, ...ssl.files], upstreamPaths: upstreamPaths(config, folder) };
  return { config, options, users, ...paths, warnings };
}

async function readTree(file: string | undefined): Promise<Located> {
  if (file === undefined) return { place: "the command line", content: new Map() };
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  // Loaded when it is needed: a server without a file starts sooner.
  const { parseYaml } = await import("./yaml.ts");
  return parseYaml(text, file);
}

function usersPathOf(
  { auth: { usersFile } }: Config,
  file: string | undefined,
  flags: ConfigFlags,
): string | undefined {
  if (usersFile === undefined) return undefined;
  const isOfFlag = flags.usersFile !== undefined || file === undefined;
  return isOfFlag ? resolve(usersFile) : resolve(dirname(file), usersFile);
}

function optionsOf(config: Config, users: readonly UserConfig[] | undefined): ServerOptions {
  const { auth, outbound, timeouts, rules, bind, udp } = config;
  return {
    authMethods: auth.methods ?? [users === undefined ? "none" : "userpass"],
    ...(users === undefined ? {} : { credentials: users }),
    ident: { mode: auth.ident.mode, port: auth.ident.port, timeoutMs: auth.ident.timeout },
    trustUserIds: auth.trustUserIds,
    ...(rules === undefined ? {} : { rules }),
    outbound: {
      family: outbound.family,
      proxyProtocol: outbound.proxyProtocol,
      ...(outbound.address === undefined ? {} : { localAddress: hostText(outbound.address) }),
    },
    timeouts: {
      handshakeMs: timeouts.handshake,
      answerMs: timeouts.answer,
      connectMs: timeouts.connect,
      idleMs: timeouts.idle,
      lingerMs: timeouts.linger,
      bindMs: timeouts.bind,
      udpMs: timeouts.udp,
    },
    bind: { allowAnyPeer: bind.allowAnyPeer, ...(bind.ports === undefined ? {} : { ports: bind.ports }) },
    udp: { fullCone: udp.fullCone, ...(udp.ports === undefined ? {} : { ports: udp.ports }) },
    limits: config.limits,
    allowOpenProxy: config.allowOpenProxy,
    engine: config.engine,
  };
}

/** Whether any listener does, which makes every user need a password in clear. */
function servesChap({ authMethods = [], listen = [], ssl }: ServerOptions): boolean {
  return listen.some((entry) => {
    const methods = entry.authMethods ?? authMethods;
    return methods.includes("chap") || (methods.includes("ssl") && ssl?.authMethods?.includes("chap") === true);
  });
}

function userProblems(placed: readonly PlacedUser[], chap: boolean): readonly ConfigProblem[] {
  // One store tells whether all is well; only if not, each user is asked for.
  if (
    storeProblem(
      placed.map(({ user }) => user),
      chap,
    ) === undefined
  )
    return [];
  const problems = placed.flatMap(({ place, user }) => {
    const message = storeProblem([user], chap);
    return message === undefined ? [] : [{ place, path: "", message }];
  });
  return [...problems, ...duplicateUsers(placed)];
}

function storeProblem(users: readonly UserConfig[], chap: boolean): string | undefined {
  try {
    createCredentialStore(users, { chap });
    return undefined;
  } catch (error) {
    if (error instanceof ServerError) return error.message;
    throw error;
  }
}

function trustProblems(config: Config, { credentials }: ServerOptions, tree: Located): readonly ConfigProblem[] {
  if (credentials === undefined || !config.auth.trustUserIds) return [];
  const path = ["auth", "trustUserIds"];
  const message = "users have passwords here, and anybody could give the name of one; expected false";
  return [{ place: placeOf(tree, path), path: formatPath(path), message }];
}

function placeOf(tree: Located, path: readonly (string | number)[]): string {
  return find(tree, path).node.place;
}

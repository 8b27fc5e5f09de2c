import { resolve } from "node:path";
import { type AuthMethodName, openProxyProblem, ServerError, type ServerOptions } from "@sockskit/server";
import * as z from "zod";
import { type ConfigProblem, formatPath } from "./problem.ts";
import { readTextFile } from "./read-file.ts";
import { find, type Located } from "./tree.ts";
import { flag, oneOf, text } from "./values.ts";

/** Longest file of certificates, or of a key. */
const MAX_PEM_BYTES = 1024 * 1024;

/** TLS inside SOCKS, as it is written. */
export interface SslConfig {
  /** Paths, as they were written: relative to the configuration file. */
  readonly cert: string;
  readonly key: string;
  /** `undefined`: `userpass` when there are users, else `none`. */
  readonly methods?: readonly Exclude<AuthMethodName, "ssl" | "gssapi">[] | undefined;
  readonly udpNaked: boolean;
  readonly draftNumber: boolean;
}

/** Schema of `auth.ssl`. */
export const ssl: z.ZodOptional<z.ZodType<SslConfig>> = z
  .strictObject({
    cert: text("the path of a file").describe(
      "File with the certificate in PEM, followed by those that lead to an authority; its path is relative to the configuration file.",
    ),
    key: text("the path of a file").describe("File with its private key in PEM, without a passphrase."),
    methods: z
      .array(oneOf(["none", "userpass", "chap", "cram"]))
      .min(1)
      .optional()
      .describe("Methods inside TLS, most preferred first. Default: `[userpass]` when there are users, else `[none]`."),
    udpNaked: flag().prefault(false).describe("Serves UDP ASSOCIATE although datagrams travel unprotected."),
    draftNumber: flag().prefault(false).describe("Takes the number 0x86, which the draft prints, beside 0x06."),
  })
  .optional()
  .describe("TLS of the method `ssl`, which needs it. The files are read again when they change.");

/** What the server is told of it, and the files that were read. */
interface LoadedSsl {
  /** Holds a key: never print it. */
  readonly options: Pick<ServerOptions, "ssl">;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/**
 * Reads certificate and key.
 *
 * @throws ConfigError when a file cannot be read.
 */
export function sslOptions(config: SslConfig | undefined, folder: string): LoadedSsl {
  if (config === undefined) return { options: {}, files: [] };
  const { methods, udpNaked, draftNumber } = config;
  const files = [resolve(folder, config.cert), resolve(folder, config.key)] as const;
  const [cert, key] = [readTextFile(files[0], MAX_PEM_BYTES), readTextFile(files[1], MAX_PEM_BYTES)];
  const inside = methods === undefined ? {} : { authMethods: methods };
  return { options: { ssl: { cert, key, ...inside, udpNaked, draftNumber } }, files };
}

/** The methods that run inside TLS. */
export function methodsInside({ ssl: tls, credentials }: ServerOptions): readonly AuthMethodName[] {
  return tls?.authMethods ?? (credentials === undefined ? ["none"] : ["userpass"]);
}

/** What is wrong with it, as the server sees it. */
export function sslProblems(options: ServerOptions, tree: Located): readonly ConfigProblem[] {
  const { authMethods = [], listen = [], ssl: tls, credentials } = options;
  const isTaken = [authMethods, ...listen.map((entry) => entry.authMethods ?? [])].some((list) => list.includes("ssl"));
  if (!isTaken) return [];
  const report = (path: readonly (string | number)[], message: string): readonly ConfigProblem[] => [
    { place: find(tree, path).node.place, path: formatPath(path), message },
  ];
  if (tls === undefined) {
    return report(["auth", "methods"], '"ssl" is TLS, and needs a certificate and its key; expected auth.ssl');
  }
  if (credentials === undefined && methodsInside(options).some((name) => name !== "none")) {
    const message = "these methods need users to compare with; expected auth.users, auth.usersFile or --user";
    return report(["auth", "ssl", "methods"], message);
  }
  try {
    openProxyProblem({ listen: [{ port: 0 }], authMethods: ["ssl"], ssl: tls, credentials: credentials ?? [] });
    return [];
  } catch (error) {
    if (!(error instanceof ServerError) || error.path === undefined) throw error;
    return report(["auth", ...error.path], error.message.slice(`${formatPath(error.path)}: `.length));
  }
}

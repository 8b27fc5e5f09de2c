import { resolve } from "node:path";
import {
  type AuthMethodName,
  type ListenOptions,
  type ListenTlsOptions,
  openProxyProblem,
  ServerError,
  type ServerOptions,
  type TlsCertificate,
} from "@sockskit/server";
import { formatAddress, type IpAddress } from "@sockskit/wire";
import type { Config, ListenAddress, ListenConfig, TlsConfig } from "./config.ts";
import { groupNumber } from "./group.ts";
import { gssapiOptions } from "./gssapi.ts";
import { ConfigError, type ConfigProblem, formatPath } from "./problem.ts";
import { readTextFile } from "./read-file.ts";
import { methodsInside } from "./ssl.ts";
import { find, type Located } from "./tree.ts";

/** Longest file with certificates or a key. */
export const MAX_PEM_BYTES: number = 1024 * 1024;

type Path = readonly (string | number)[];

/** Listeners as the server is told, and the files that were read for them. */
export interface LoadedListeners {
  /** Holds keys: never print it. */
  readonly listen: readonly ListenOptions[];
  /** Absolute paths. */
  readonly files: readonly string[];
}

/**
 * The listeners, with the certificates and keys that stand in files.
 *
 * @param folder What paths of files are relative to.
 * @throws ConfigError with every mistake.
 */
export function listenOptions(config: Config, folder: string, tree: Located): LoadedListeners {
  const problems: ConfigProblem[] = [];
  const files = new Set<string>();
  // Addresses of the command line are relative to where it was written.
  const socketFolder = placeOf(tree, ["listen"]) === "--listen" ? "." : folder;
  const read = (name: string, path: Path): string => {
    const file = resolve(folder, name);
    files.add(file);
    try {
      return readTextFile(file, MAX_PEM_BYTES);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { message } of error.problems)
        problems.push({ ...problemAt(tree, path, message), found: quote(file) });
      return "";
    }
  };
  const listen = config.listen.map((listener, index): ListenOptions => {
    const { versions, auth, gssapi, advertise, proxyProtocol, tls } = listener;
    const path = ["listen", index];
    return {
      ...place(listener, socketFolder, (key, message) => problems.push(problemAt(tree, [...path, key], message))),
      ...(versions === undefined ? {} : { versions }),
      ...(auth === undefined ? {} : { authMethods: auth }),
      ...gssapiOptions(gssapi, folder),
      ...(advertise === undefined ? {} : { advertise: advertise.host }),
      ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
      ...(tls === undefined ? {} : { tls: tlsOptions(tls, [...path, "tls"], read) }),
    };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { listen, files: [...files] };
}

function place(
  { address, mode, group }: ListenConfig,
  folder: string,
  report: (key: string, message: string) => void,
): ListenOptions {
  if (address.type !== "unix") {
    for (const [key, value] of Object.entries({ mode, group })) {
      if (value !== undefined)
        report(key, "only a Unix socket has permissions; expected an address such as unix:/run/socks");
    }
    return { host: hostText(address), port: address.port };
  }
  const gid = group === undefined ? undefined : groupNumber(group);
  if (group !== undefined && gid === undefined) report("group", `this system has no group ${quote(String(group))}`);
  const access = { ...(mode === undefined ? {} : { mode }), ...(gid === undefined ? {} : { group: gid }) };
  return { unix: { path: resolve(folder, address.path), ...access } };
}

function tlsOptions(tls: TlsConfig, path: Path, read: (name: string, path: Path) => string): ListenTlsOptions {
  const pair = (files: TlsConfig, at: Path): TlsCertificate => ({
    cert: read(files.cert, [...at, "cert"]),
    key: read(files.key, [...at, "key"]),
  });
  const others = (tls.sni ?? []).map((files, index) => pair(files, [...path, "sni", index]));
  const clientCa = tls.clientCa === undefined ? {} : { clientCa: read(tls.clientCa, [...path, "clientCa"]) };
  return { certificates: [pair(tls, path), ...others], ...clientCa };
}

/** Text of an address, with the zone of an IPv6 one. */
export function hostText(address: IpAddress): string {
  return address.type === "ipv6" && address.zone !== undefined ? `${address.host}%${address.zone}` : address.host;
}

/** Text of what is listened on: `127.0.0.1:1080`, `unix:/run/socks`. */
export function formatListenAddress(address: ListenAddress): string {
  return address.type === "unix" ? `unix:${address.path}` : formatAddress(address);
}

/** Mistakes in listeners that show only when they are looked at together, or when their files are read. */
export function listenProblems(config: Config, options: ServerOptions, tree: Located): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report = (path: Path, message: string): void => {
    problems.push(problemAt(tree, path, message));
  };
  const common = options.authMethods ?? [];
  const hasUsers = options.credentials !== undefined;
  const needUsers = (methods: readonly AuthMethodName[], path: Path): void => {
    // What runs inside TLS is asked for by itself; a KDC has users of its own.
    const method = methods.find((name) => name !== "none" && name !== "ssl" && name !== "gssapi");
    if (hasUsers || method === undefined) return;
    report(path, `"${method}" needs users to compare with; expected auth.users, auth.usersFile or --user`);
  };
  needUsers(common, ["auth", "methods"]);

  const seen = new Map<string, number>();
  for (const [index, { address, auth: methods }] of config.listen.entries()) {
    const text = formatListenAddress(address);
    const first = seen.get(text);
    if (first !== undefined && (address.type === "unix" || address.port !== 0)) {
      const as = placeOf(tree, ["listen"]) === "--listen" ? "" : `, as listen[${first}]`;
      report(["listen", index], `${text} is there already${as}`);
    } else seen.set(text, index);
    needUsers(methods ?? [], ["listen", index, "auth"]);
    try {
      if (isOpen(options, index)) report(["listen", index], openProxyMessage(text));
    } catch (error) {
      if (!(error instanceof ServerError) || error.path === undefined) throw error;
      report(
        ["listen", index, ...writtenPath(error.path.slice(2))],
        error.message.slice(`${formatPath(error.path)}: `.length),
      );
    }
  }
  return problems;
}

/** Where the configuration has what the server knows as an option of a listener. */
function writtenPath([section, ...rest]: Path): Path {
  if (section === "unix") return rest[0] === "path" ? ["address"] : rest;
  const [list, index, key] = rest;
  if (section !== "tls" || list !== "certificates" || typeof index !== "number") return [section as string, ...rest];
  const entry = index === 0 ? [] : ["sni", index - 1];
  return ["tls", ...entry, ...(key === undefined ? [] : [key])];
}

function isOpen(options: ServerOptions, index: number): boolean {
  const { listen = [], authMethods = [], allowOpenProxy = false } = options;
  const entry = listen[index];
  if (entry === undefined) return false;
  // TLS inside SOCKS asks what is asked inside it. Whether it can be served is another question.
  const asked = (methods: readonly AuthMethodName[]): readonly AuthMethodName[] =>
    methods.flatMap((name) => (name === "ssl" ? methodsInside(options) : [name]));
  const own = entry.authMethods === undefined ? {} : { authMethods: asked(entry.authMethods) };
  // Whether there are users is another one; a list of none answers it.
  const question = { authMethods: asked(authMethods), allowOpenProxy, credentials: [] };
  return openProxyProblem({ ...question, listen: [{ ...entry, ...own }] }) !== undefined;
}

function openProxyMessage(address: string): string {
  return (
    `other hosts can reach ${address}, and it asks nobody for a password: anybody could use this proxy and would be ` +
    `taken for this host. Either ask for passwords (auth.methods: [userpass] with auth.users or auth.usersFile, or ` +
    `--user NAME:PASSWORD) or for certificates (listen[].tls.clientCa), or, if everybody who can reach it may use it, ` +
    `say so (allowOpenProxy: true, or --allow-open-proxy)`
  );
}

function problemAt(tree: Located, path: Path, message: string): ConfigProblem {
  return { place: placeOf(tree, path), path: formatPath(path), message };
}

function placeOf(tree: Located, path: Path): string {
  return find(tree, path).node.place;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

import { resolve } from "node:path";
import { ServerError, type ServerOptions, type UpstreamHop, upstreamNameHandling } from "@sockskit/server";
import { formatProxyUrl, MAX_PROXY_CHAIN_HOPS, parseProxyUrl, type ProxyUrl, ProxyUrlError } from "@sockskit/url";
import * as z from "zod";
import type { Config, HopConfig } from "./config.ts";
import { MAX_PEM_BYTES } from "./listeners.ts";
import { nearest } from "./nearest.ts";
import { ConfigError, type ConfigProblem, formatPath } from "./problem.ts";
import { readTextFile } from "./read-file.ts";
import { find, type Located } from "./tree.ts";
import { flag, oneOf, proxyUrl, text } from "./values.ts";

/** Longest file with the password of a proxy: the longest password, and an end of line. */
const MAX_PASSWORD_FILE_BYTES = 1024;

function pemFile(description: string): z.ZodOptional<z.ZodType<string>> {
  return text("the path of a file").optional().describe(`File in PEM. ${description}`);
}

const hop = z.union([
  proxyUrl().transform((url): HopConfig => ({ url, proxyProtocol: "off" })),
  z.strictObject({
    url: proxyUrl().describe("URL with a user name, and without a password."),
    passwordFile: text("the path of a file")
      .optional()
      .describe("File with the password, on one line; its path is relative to the configuration file."),
    passwordEnv: text("the name of an environment variable")
      .optional()
      .describe("Environment variable with the password."),
    tls: z
      .strictObject({
        ca: pemFile("Authorities that its certificate may be of. Default: those that Node trusts."),
        cert: pemFile("Certificate of this server, for proxies that want one."),
        key: pemFile("Private key of `cert`."),
        serverName: text("a host name")
          .optional()
          .describe("Name that its certificate must have. Default: the host of the URL."),
      })
      .optional()
      .describe("TLS with it, for URLs such as `socks5s://` and `https://`. The certificate is always checked."),
    proxyProtocol: oneOf(["off", "v1", "v2"])
      .prefault("off")
      .describe("Whether it is told who the client is, by a PROXY header before everything else."),
  }),
]);

const alternatives = z.array(z.array(hop).min(1)).min(1);

/** Proxies that rules can send sessions by. */
export const upstreams: z.ZodType<Config["upstreams"]> = z
  .record(
    z.string(),
    z
      .union([
        alternatives.transform((list) => ({ alternatives: list, forwardCredentials: false })),
        z.strictObject({
          alternatives: alternatives.describe(
            `Alternatives in the order of preference, 1 to 16. Each is a chain: a list of 1 to ${MAX_PROXY_CHAIN_HOPS} proxies, the nearest first.`,
          ),
          forwardCredentials: flag()
            .prefault(false)
            .describe(
              "Shows the last proxy of each chain what the client logged in with here, in place of what its URL says.",
            ),
        }),
      ])
      .describe("A list of alternatives, or a map with it."),
  )
  .prefault({})
  .describe("Other proxies, by the names that `via` of a rule has. See [Upstream proxies](upstreams.md).");

type Path = readonly (string | number)[];

/**
 * The upstreams as the server is told, with the passwords that stand elsewhere.
 *
 * @param folder What paths of files are relative to.
 * @throws ConfigError with every mistake; no message holds a password.
 */
export function upstreamOptions(
  config: Config,
  folder: string,
  tree: Located,
): NonNullable<ServerOptions["upstreams"]> {
  const problems: ConfigProblem[] = [];
  const options = Object.fromEntries(
    Object.entries(config.upstreams).map(([name, { alternatives: list, forwardCredentials }]) => {
      const chains = list.map((chain, at) =>
        chain.map((entry, index) => {
          try {
            return upstreamHop(entry, folder);
          } catch (error) {
            if (!(error instanceof Misplaced)) throw error;
            problems.push(
              problemAt(tree, ["upstreams", name, "alternatives", at, index, ...error.path], error.message),
            );
            return { proxy: entry.url };
          }
        }),
      );
      return [name, { alternatives: chains, forwardCredentials }];
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return options;
}

/** Absolute paths of the files that upstreams name. */
export function upstreamPaths({ upstreams: all }: Config, folder: string): readonly string[] {
  const hops = Object.values(all).flatMap(({ alternatives: list }) => list.flat());
  const names = hops.flatMap(({ passwordFile, tls = {} }) => [passwordFile, tls.ca, tls.cert, tls.key]);
  return names.flatMap((name) => (name === undefined ? [] : [resolve(folder, name)]));
}

/** Mistakes that show only when upstreams, rules and listeners are looked at together. */
export function upstreamProblems(
  { listen, rules = [] }: Config,
  options: ServerOptions,
  tree: Located,
): readonly ConfigProblem[] {
  try {
    upstreamNameHandling(
      options.upstreams,
      listen.flatMap(({ address }) => (address.type === "unix" ? [] : [address])),
    );
  } catch (error) {
    if (!(error instanceof ServerError) || error.path === undefined) throw error;
    return [problemAt(tree, error.path, error.message.slice(`${formatPath(error.path)}: `.length))];
  }
  const known = Object.keys(options.upstreams ?? {});
  return rules.flatMap(({ via }, index) => {
    if (via === undefined || known.includes(via)) return [];
    const near = nearest(via, known);
    const names = known.length === 0 ? "there are none (upstreams)" : `one of ${known.join(", ")}`;
    const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
    const found = JSON.stringify(via);
    return [
      { ...problemAt(tree, ["rules", index, "via"], `expected the name of an upstream, ${names}${hint}`), found },
    ];
  });
}

/** What is no mistake, but hardly meant. */
export function upstreamWarnings(
  { upstreams: all, rules = [], auth }: Config,
  tree: Located,
): readonly ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  for (const [name, { alternatives: list, forwardCredentials }] of Object.entries(all)) {
    const users = rules.flatMap((rule, index) => (rule.via === name ? [{ rule, index }] : []));
    if (users.length === 0) warnings.push(problemAt(tree, ["upstreams", name], "no rule sends anything there (via)"));
    if (forwardCredentials && auth.users.length === 0 && auth.usersFile === undefined) {
      const message = "nobody logs in with a password here, so there is none to forward";
      warnings.push(problemAt(tree, ["upstreams", name, "forwardCredentials"], message));
    }
    const single = list.flatMap(([only, more]) => (only !== undefined && more === undefined ? [only.url] : []));
    const carriesDatagrams = single.some(({ version, tls }) => version === 5 && !tls);
    const servesBind = single.some(({ protocol }) => protocol === "socks");
    for (const { rule, index } of users) {
      const at: Path = ["rules", index, "via"];
      if (rule.commands?.includes("udp-associate") === true && !carriesDatagrams) {
        warnings.push(
          problemAt(tree, at, `${name} carries no datagrams: that takes a chain of one SOCKS 5 proxy without TLS`),
        );
      }
      if (rule.commands?.includes("bind") === true && !servesBind) {
        warnings.push(problemAt(tree, at, `${name} does not serve BIND: that takes a chain of one SOCKS proxy`));
      }
    }
  }
  return warnings;
}

/** A mistake of one key of a proxy. */
class Misplaced extends Error {
  override readonly name = "Misplaced";
  readonly path: readonly string[];

  constructor(path: string, message: string) {
    super(message);
    this.path = path.split(".");
  }
}

function upstreamHop(entry: HopConfig, folder: string): UpstreamHop {
  const proxy = withPassword(entry, folder);
  const { tls, proxyProtocol } = entry;
  if (tls === undefined) return { proxy, proxyProtocol };
  if (!proxy.tls) throw new Misplaced("tls", `${proxy.scheme}:// has no TLS; expected a URL such as socks5s://`);
  const { ca, cert, key, serverName } = tls;
  return {
    proxy,
    proxyProtocol,
    tls: {
      ...(ca === undefined ? {} : { ca: readHere(ca, folder, "tls.ca", MAX_PEM_BYTES) }),
      ...(cert === undefined ? {} : { cert: readHere(cert, folder, "tls.cert", MAX_PEM_BYTES) }),
      ...(key === undefined ? {} : { key: readHere(key, folder, "tls.key", MAX_PEM_BYTES) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  };
}

function readHere(path: string, folder: string, key: string, maxBytes: number): string {
  try {
    return readTextFile(resolve(folder, path), maxBytes);
  } catch (error) {
    if (error instanceof ConfigError) throw new Misplaced(key, error.message);
    throw error;
  }
}

function withPassword({ url, passwordFile, passwordEnv }: HopConfig, folder: string): ProxyUrl {
  if (passwordFile === undefined && passwordEnv === undefined) return url;
  const key = passwordFile === undefined ? "passwordEnv" : "passwordFile";
  if (passwordFile !== undefined && passwordEnv !== undefined) {
    throw new Misplaced("passwordEnv", "there is a passwordFile already; expected one of them");
  }
  if (url.username === undefined) throw new Misplaced("url", "expected a user name that the password belongs to");
  if (url.hasPassword) throw new Misplaced(key, "the URL has a password already; expected one of them");
  if (url.version === 4) throw new Misplaced(key, "SOCKS 4 knows no password");
  const password = passwordFile === undefined ? fromEnvironment(passwordEnv as string) : fromFile(passwordFile, folder);
  const [scheme = "", rest = ""] = formatProxyUrl(url).split("://");
  const at = rest.indexOf("@");
  try {
    return parseProxyUrl(`${scheme}://${rest.slice(0, at)}:${encodeURIComponent(password)}${rest.slice(at)}`);
  } catch (error) {
    if (!(error instanceof ProxyUrlError || error instanceof URIError)) throw error;
    throw new Misplaced(key, "expected a password of 1 to 255 bytes in UTF-8 without a NUL");
  }
}

function fromEnvironment(name: string): string {
  const password = process.env[name];
  if (password === undefined || password === "") throw new Misplaced("passwordEnv", `${name} is not set, or empty`);
  return password;
}

function fromFile(path: string, folder: string): string {
  const content = readHere(path, folder, "passwordFile", MAX_PASSWORD_FILE_BYTES);
  const password = content.replace(/\r?\n$/u, "");
  if (password === "" || /[\r\n]/u.test(password)) {
    throw new Misplaced("passwordFile", "expected a file with the password on one line");
  }
  return password;
}

/** The short form has no key for its alternatives. */
function problemAt(tree: Located, written: Path, message: string): ConfigProblem {
  const isShort = written[2] === "alternatives" && !find(tree, written.slice(0, 3)).isExact;
  const path = isShort ? [...written.slice(0, 2), ...written.slice(3)] : written;
  const { node, isExact } = find(tree, path);
  return { place: (isExact ? undefined : node.keyPlace) ?? node.place, path: formatPath(path), message };
}

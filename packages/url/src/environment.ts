import type { Address } from "@sockskit/wire";

import { findBypass, readBypassList } from "./bypass-list.ts";
import { readPort } from "./host-port.ts";
import { MAX_PROXY_URL_LENGTH, readAfterScheme, readProxyUrl } from "./parse.ts";
import { credentialProblem } from "./percent.ts";
import { type ProxyUrl, createProxyUrl } from "./proxy-url.ts";
import { printable } from "./redact.ts";
import { DEFAULT_PROXY_PORT, type ProxyScheme, type ProxyUrlOptions, chooseMeaning, schemeMeaning } from "./schemes.ts";
import { checkLength, mistake } from "./text-source.ts";

/** What {@link proxyFromEnvironment} looks at. */
export interface EnvironmentQuery extends ProxyUrlOptions {
  /** The environment, for example `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the connection is to go; compared with `no_proxy`. */
  readonly target: Address;
  /** Scheme of the target's URL (`http`, `https`, ...); with it `<scheme>_proxy` counts first. */
  readonly scheme?: string | undefined;
}

/** The environment names a proxy. */
export interface EnvironmentProxy {
  /** Tells it from {@link EnvironmentBypass}. */
  readonly direct: false;
  /** The proxy. */
  readonly proxy: ProxyUrl;
  /** The variable that named it. */
  readonly variable: string;
}

/** The environment names a proxy, and lists the target among those to reach without it. */
export interface EnvironmentBypass {
  /** Tells it from {@link EnvironmentProxy}. */
  readonly direct: true;
  /** Which entry of which variable covers the target, for people. */
  readonly reason: string;
  /** The variable that lists the target. */
  readonly variable: string;
}

type Variables = ReadonlyMap<string, string>;

const CODE = "ERR_SOCKS_BAD_ENVIRONMENT";

interface ServerVariable {
  readonly name: string;
  readonly version?: 4 | 5;
}

/** The classic variables: `host:port` or a URL. A version that is not fixed comes from `SOCKS_VERSION`. */
const SERVER_VARIABLES: readonly ServerVariable[] = [
  { name: "SOCKS_SERVER" },
  { name: "SOCKS5_SERVER", version: 5 },
  { name: "SOCKS4_SERVER", version: 4 },
];
const SERVER_SCHEMES: Readonly<Record<4 | 5 | "auto", ProxyScheme>> = {
  4: "socks4",
  5: "socks5h",
  auto: "auto",
};

/**
 * The proxy that the environment names for a target: `<scheme>_proxy`, `all_proxy`, `SOCKS_SERVER`, `SOCKS5_SERVER`,
 * `SOCKS4_SERVER`, the first that is set; lower case before upper case; empty is not set. `HTTP_PROXY` is ignored in a CGI
 * program (`REQUEST_METHOD` is set), where a client could set it. `no_proxy` lists what is reached directly.
 * `docs/proxy-urls.md` has all rules.
 *
 * @returns `undefined` when no variable names a proxy.
 * @throws ProxyUrlError with `variable`, when a variable that counts cannot be used. It is never skipped, because skipping
 *   it would mean going direct. Where `no_proxy` lists the target, the proxy is not used and its variable not read.
 * @example
 * ```ts
 * proxyFromEnvironment({ environment: { all_proxy: "socks5h://proxy.example" }, target: parseHostPort("example.com:80") });
 * ```
 */
export function proxyFromEnvironment(query: EnvironmentQuery): EnvironmentProxy | EnvironmentBypass | undefined {
  const variables = readVariables(query.environment);
  const urlVariable = urlVariables(variables, query.scheme).find((name) => variables.has(name));
  const server = SERVER_VARIABLES.find(({ name }) => variables.has(name));
  if (urlVariable === undefined && server === undefined) return undefined;
  // A proxy that is not used need not be one that can be.
  const bypass = findEntry(variables, query.target);
  if (bypass !== undefined) return bypass;
  if (urlVariable !== undefined) return readUrl(variables, urlVariable, query);
  return server === undefined ? undefined : readServer(variables, server, query);
}

function findEntry(variables: Variables, target: Address): EnvironmentBypass | undefined {
  const variable = ["no_proxy", "NO_PROXY"].find((name) => variables.has(name));
  if (variable === undefined) return undefined;
  const entry = findBypass(readBypassList({ text: variables.get(variable) ?? "", variable }), target);
  if (entry === undefined) return undefined;
  return { direct: true, reason: `${variable} lists "${printable(entry.text)}"`, variable };
}

/** Own properties under their exact names: on Windows a look-up would find `HTTP_PROXY` under `http_proxy`. */
function readVariables(environment: EnvironmentQuery["environment"]): Variables {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value.trim() !== "") variables.set(name, value);
  }
  return variables;
}

/** Names of the variables that hold a URL, the first that counts first. */
function urlVariables(variables: Variables, scheme: string | undefined): readonly string[] {
  const names = ["all_proxy", "ALL_PROXY"];
  if (scheme === undefined) return names;
  const name = `${scheme.toLowerCase()}_proxy`;
  const isCgi = name === "http_proxy" && variables.has("REQUEST_METHOD");
  return [name, ...(isCgi ? [] : [name.toUpperCase()]), ...names];
}

function readUrl(variables: Variables, variable: string, query: EnvironmentQuery): EnvironmentProxy {
  const text = variables.get(variable)?.trim() ?? "";
  return { direct: false, proxy: readProxyUrl({ text, variable }, { text, start: 0 }, query), variable };
}

function readServer(variables: Variables, server: ServerVariable, query: EnvironmentQuery): EnvironmentProxy {
  const variable = server.name;
  const text = variables.get(variable)?.trim() ?? "";
  const source = { text, variable };
  checkLength(source, CODE, MAX_PROXY_URL_LENGTH);
  const version = server.version ?? readVersion(variables);
  let proxy: ProxyUrl;
  if (text.includes("://")) {
    proxy = readProxyUrl(source, { text, start: 0 }, { ...query, bareSocksVersion: version });
    if (proxy.version === undefined || (server.version !== undefined && proxy.version !== version)) {
      const named = proxy.version === undefined ? "an HTTP proxy" : `a SOCKS ${proxy.version} proxy`;
      const wanted = server.version === undefined ? "a SOCKS proxy" : `a SOCKS ${version} proxy`;
      throw mistake(source, CODE, `names ${named}; expected host:port of ${wanted}`);
    }
  } else {
    const scheme = SERVER_SCHEMES[version];
    const meaning = chooseMeaning(scheme, query) ?? schemeMeaning(scheme);
    proxy = readAfterScheme(source, { text, start: 0 }, meaning, readServerPort(variables, variable));
  }
  return { direct: false, proxy: addCredentials(proxy, variables), variable };
}

function readVersion(variables: Variables): 4 | 5 | "auto" {
  const variable = "SOCKS_VERSION";
  const text = variables.get(variable)?.trim() ?? "5";
  if (text === "4") return 4;
  if (text === "5") return 5;
  if (text === "auto") return "auto";
  throw mistake({ text, variable }, CODE, "expected 4, 5 or auto");
}

function readServerPort(variables: Variables, serverVariable: string): number {
  const variable = "SOCKS5_PORT";
  const text = variables.get(variable)?.trim();
  if (text === undefined || serverVariable !== "SOCKS5_SERVER") return DEFAULT_PROXY_PORT;
  return readPort({ text, variable }, { text, start: 0 }, CODE);
}

/** `SOCKS_USERNAME` and `SOCKS_PASSWORD` belong to the classic variables only: no other proxy gets to see them. */
function addCredentials(proxy: ProxyUrl, variables: Variables): ProxyUrl {
  if (proxy.username !== undefined) return proxy;
  const username = readCredential(variables, "SOCKS_USERNAME");
  const password = readCredential(variables, "SOCKS_PASSWORD");
  if (username !== undefined && proxy.gssapi !== undefined) {
    const problem = "set, but the URL of the proxy has options of GSS-API, where the ticket says who this is; unset it";
    throw mistake({ text: "***", variable: "SOCKS_USERNAME" }, CODE, problem);
  }
  if (username !== undefined) {
    const { scheme, address, direct = [] } = proxy;
    return createProxyUrl({ meaning: schemeMeaning(scheme), address, direct, credentials: { username, password } });
  }
  if (password === undefined) return proxy;
  throw mistake({ text: "***", variable: "SOCKS_PASSWORD" }, CODE, "set without SOCKS_USERNAME; set both or neither");
}

function readCredential(variables: Variables, variable: string): string | undefined {
  const text = variables.get(variable);
  const problem = text === undefined ? undefined : credentialProblem(text);
  if (problem === undefined) return text;
  throw mistake({ text: "***", variable }, CODE, `the value ${problem}`);
}

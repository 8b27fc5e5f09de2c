import type { ServerAuthMethod } from "@sockskit/auth";
import type { SslServerTls } from "@sockskit/dial";
import {
  formatAddress,
  type IpAddress,
  isUnspecified,
  type Network,
  parseIpAddress,
  parseNetwork,
  unmapAddress,
} from "@sockskit/wire";
import { badOption, type OptionPath, requireKeys } from "../errors.ts";
import { checkGssapi, type GssapiPlan, gssapiPlan } from "../gssapi/gssapi-plan.ts";
import { authMethodsFor, METHOD_NAMES } from "../methods/auth-methods.ts";
import { sslTls } from "../methods/ssl-plan.ts";
import type {
  AuthMethodName,
  ListenOptions,
  ProxyProtocolOptions,
  ServerOptions,
  UnixSocketOptions,
} from "../options.ts";
import { type TlsPlan, tlsPlan } from "../transport/tls-plan.ts";
import { UNIX_CLIENT } from "./unix-client.ts";
import { type UnixSocketPlan, unixPathProblem } from "./unix-socket.ts";

/** One listener as it is meant to be, checked and with its defaults. */
export interface ListenPlan {
  /** Address and port; 127.0.0.1 and port 0 stand for a Unix socket. */
  readonly address: IpAddress;
  readonly ipv6Only: boolean;
  /** Set: a Unix socket is listened on, and no address. */
  readonly unix: UnixSocketPlan | undefined;
  readonly tls: TlsPlan | undefined;
  /** Who must send a PROXY header. */
  readonly proxyFrom: readonly Network[] | undefined;
  readonly versions: readonly (4 | 5)[];
  readonly authMethods: readonly AuthMethodName[];
  /** The same, ready to run. */
  readonly methods: readonly ServerAuthMethod[];
  /** TLS of method 06, where it is among them. */
  readonly ssl: SslServerTls | undefined;
  /** How clients log in with GSS-API, where that is offered. */
  readonly gssapi: GssapiPlan | undefined;
  /** What replies to BIND and UDP ASSOCIATE name. */
  readonly advertise: IpAddress | undefined;
}

/**
 * The listeners that options ask for.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function listenPlans(options: ServerOptions): readonly ListenPlan[] {
  const listen = options.listen ?? [{}];
  if (!Array.isArray(listen) || listen.length === 0)
    throw badOption(["listen"], "expected at least one address to listen on");
  const common = methodsOf(options.authMethods ?? (options.credentials === undefined ? ["none"] : ["userpass"]), [
    "authMethods",
  ]);
  const commonGssapi = checkGssapi(options.gssapi, ["gssapi"]);
  const addresses = listen.map((entry: ListenOptions, index) => addressOf(entry, index));
  const ipv4Ports = new Set(
    addresses.filter((address) => address.type === "ipv4" && isUnspecified(address)).map(({ port }) => port),
  );
  const plans = listen.map((entry: ListenOptions, index): ListenPlan => {
    const address = addresses[index] as IpAddress;
    const [authMethods, path] =
      entry.authMethods === undefined
        ? [common, ["authMethods"]]
        : [methodsOf(entry.authMethods, ["listen", index, "authMethods"]), ["listen", index, "authMethods"]];
    const gssapi = gssapiPlan(commonGssapi, checkGssapi(entry.gssapi, ["listen", index, "gssapi"]));
    return {
      address,
      // Both at once would claim the same IPv4 port; port 0 is another port for each.
      unix: unixSocketPlan(entry.unix, ["listen", index, "unix"]),
      tls: tlsPlan(entry.tls, ["listen", index, "tls"]),
      proxyFrom: proxyProtocolPlan(entry.proxyProtocol, ["listen", index, "proxyProtocol"]),
      ipv6Only: address.type === "ipv6" && address.port !== 0 && ipv4Ports.has(address.port),
      versions: versionsOf(entry.versions, ["listen", index, "versions"]),
      authMethods,
      ssl: authMethods.includes("ssl") ? sslTls(options.ssl) : undefined,
      methods: authMethodsFor(authMethods, options, path, gssapi),
      gssapi: authMethods.includes("gssapi") ? gssapi : undefined,
      advertise: advertisedAddress(entry.advertise, ["listen", index, "advertise"]),
    };
  });
  for (const [index, plan] of plans.entries()) {
    const first = plans.findIndex((other) => placeText(other) === placeText(plan));
    if (first < index && (plan.address.port !== 0 || plan.unix !== undefined))
      throw badOption(["listen", index], `${placeText(plan)} is there already, as listen[${first}]`);
  }
  return plans;
}

/** Where a plan listens: `127.0.0.1:1080`, `unix:/run/socks`. */
export function placeText({ address, unix }: Pick<ListenPlan, "address" | "unix">): string {
  return unix === undefined ? formatAddress(address) : `unix:${unix.path}`;
}

function addressOf(entry: ListenOptions, index: number): IpAddress {
  if (entry.unix !== undefined) {
    if (entry.host === undefined && entry.port === undefined) return UNIX_CLIENT;
    throw badOption(["listen", index, "unix"], "a Unix socket has no host and no port; leave those away, or this");
  }
  const { host = "127.0.0.1", port = 1080 } = entry;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff)
    throw badOption(["listen", index, "port"], `port ${String(port)} is not a number from 0 to 65535`);
  const address = typeof host === "string" ? parseIpAddress(host, port) : undefined;
  if (address === undefined) {
    throw badOption(
      ["listen", index, "host"],
      `${JSON.stringify(host)} is not an IP address; expected one of this host's, such as 127.0.0.1, 0.0.0.0 or ::1`,
    );
  }
  return address;
}

function unixSocketPlan(options: UnixSocketOptions | undefined, path: OptionPath): UnixSocketPlan | undefined {
  if (options === undefined) return undefined;
  requireKeys(options, ["path", "mode", "group"], path);
  if (process.platform === "win32") throw badOption(path, "this system has no Unix sockets that Node could listen on");
  const { mode = 0o600, group } = options;
  const problem = unixPathProblem(options.path);
  if (problem !== undefined) throw badOption([...path, "path"], problem);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw badOption([...path, "mode"], "expected 0 to 0o777");
  if (group !== undefined && (!Number.isSafeInteger(group) || group < 0)) {
    throw badOption([...path, "group"], "expected the number of a group");
  }
  return { path: options.path, mode, group };
}

function proxyProtocolPlan(
  options: ProxyProtocolOptions | undefined,
  path: OptionPath,
): readonly Network[] | undefined {
  if (options === undefined) return undefined;
  requireKeys(options, ["from"], path);
  const from: unknown = options.from;
  if (!Array.isArray(from) || from.length === 0) {
    throw badOption([...path, "from"], "expected a list of one or more addresses or networks");
  }
  return from.map((text: string, index) => {
    try {
      return parseNetwork(text);
    } catch (error) {
      throw badOption([...path, "from", index], (error as Error).message);
    }
  });
}

function advertisedAddress(text: string | undefined, path: OptionPath): IpAddress | undefined {
  if (text === undefined) return undefined;
  const address = typeof text === "string" ? parseIpAddress(text) : undefined;
  if (address !== undefined && !isUnspecified(address)) return unmapAddress(address);
  throw badOption(path, `${JSON.stringify(text)} is not an address by which this host can be reached`);
}

function versionsOf(versions: readonly (4 | 5)[] | undefined, path: OptionPath): readonly (4 | 5)[] {
  return someOf([4, 5], versions ?? [4, 5], "SOCKS versions", path);
}

function methodsOf(methods: readonly AuthMethodName[], path: OptionPath): readonly AuthMethodName[] {
  if (Array.isArray(methods) && (methods as readonly string[]).includes("nds")) {
    throw badOption(
      path,
      '"nds", Novell Directory Services (0x07), cannot be served: nobody has published how it works',
    );
  }
  return someOf(METHOD_NAMES, methods, "authentication methods", path);
}

/** Checks that `list` has one or more of `known` and nothing else. */
function someOf<T>(known: readonly T[], list: readonly T[], what: string, path: OptionPath): readonly T[] {
  // A caller without types may give anything.
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  if (entries.length > 0 && entries.every((entry) => known.includes(entry as T))) return list;
  throw badOption(
    path,
    `expected a list of ${what}, one or more of ${known.map((entry) => JSON.stringify(entry)).join(", ")}`,
  );
}

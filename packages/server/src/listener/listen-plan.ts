import { formatAddress, type IpAddress, isUnspecified, parseIpAddress, unmapAddress } from "@sockskit/wire";
import type { ServerAuthMethod } from "@sockskit/auth";
import { badOption, type OptionPath } from "../errors.ts";
import { authMethodsFor, METHOD_NAMES } from "../methods/auth-methods.ts";
import type { AuthMethodName, ListenOptions, ServerOptions } from "../options.ts";

/** One listener as it is meant to be, checked and with its defaults. */
export interface ListenPlan {
  readonly address: IpAddress;
  readonly ipv6Only: boolean;
  readonly versions: readonly (4 | 5)[];
  readonly authMethods: readonly AuthMethodName[];
  /** The same, ready to run. */
  readonly methods: readonly ServerAuthMethod[];
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
    return {
      address,
      // Both at once would claim the same IPv4 port; port 0 is another port for each.
      ipv6Only: address.type === "ipv6" && address.port !== 0 && ipv4Ports.has(address.port),
      versions: versionsOf(entry.versions, ["listen", index, "versions"]),
      authMethods,
      methods: authMethodsFor(authMethods, options, path),
      advertise: advertisedAddress(entry.advertise, ["listen", index, "advertise"]),
    };
  });
  for (const [index, plan] of plans.entries()) {
    const first = plans.findIndex((other) => formatAddress(other.address) === formatAddress(plan.address));
    if (first < index && plan.address.port !== 0)
      throw badOption(["listen", index], `${formatAddress(plan.address)} is there already, as listen[${first}]`);
  }
  return plans;
}

function addressOf(entry: ListenOptions, index: number): IpAddress {
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

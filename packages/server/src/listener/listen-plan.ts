import { formatAddress, type IpAddress, isUnspecified, parseIpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import type { AuthMethodName, ListenOptions, ServerOptions } from "../options.ts";

/** One listener as it is meant to be, checked and with its defaults. */
export interface ListenPlan {
  readonly address: IpAddress;
  readonly ipv6Only: boolean;
  readonly versions: readonly (4 | 5)[];
  readonly authMethods: readonly AuthMethodName[];
}

const METHOD_NAMES: readonly AuthMethodName[] = ["none", "userpass"];

/**
 * The listeners that options ask for.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function listenPlans(options: ServerOptions): readonly ListenPlan[] {
  const listen = options.listen ?? [{}];
  if (!Array.isArray(listen) || listen.length === 0)
    throw bad("expected at least one address to listen on", ["listen"]);
  const common = methodsOf(options.authMethods ?? (options.credentials === undefined ? ["none"] : ["userpass"]), [
    "authMethods",
  ]);
  const addresses = listen.map((entry: ListenOptions, index) => addressOf(entry, index));
  const ipv4Ports = new Set(
    addresses.filter((address) => address.type === "ipv4" && isUnspecified(address)).map(({ port }) => port),
  );
  const plans = listen.map((entry: ListenOptions, index): ListenPlan => {
    const address = addresses[index] as IpAddress;
    return {
      address,
      // Both at once would claim the same IPv4 port; port 0 is another port for each.
      ipv6Only: address.type === "ipv6" && address.port !== 0 && ipv4Ports.has(address.port),
      versions: versionsOf(entry.versions, ["listen", index, "versions"]),
      authMethods:
        entry.authMethods === undefined ? common : methodsOf(entry.authMethods, ["listen", index, "authMethods"]),
    };
  });
  for (const [index, plan] of plans.entries()) {
    const first = plans.findIndex((other) => formatAddress(other.address) === formatAddress(plan.address));
    if (first < index && plan.address.port !== 0)
      throw bad(`${formatAddress(plan.address)} is there already, as listen[${first}]`, ["listen", index]);
    if (plan.authMethods.includes("userpass") && options.credentials === undefined) {
      throw bad('"userpass" needs users to compare with; give "credentials"', ["authMethods"]);
    }
  }
  return plans;
}

function addressOf(entry: ListenOptions, index: number): IpAddress {
  const { host = "127.0.0.1", port = 1080 } = entry;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff)
    throw bad(`port ${String(port)} is not a number from 0 to 65535`, ["listen", index, "port"]);
  const address = typeof host === "string" ? parseIpAddress(host, port) : undefined;
  if (address === undefined) {
    throw bad(
      `${JSON.stringify(host)} is not an IP address; expected one of this host's, such as 127.0.0.1, 0.0.0.0 or ::1`,
      ["listen", index, "host"],
    );
  }
  return address;
}

function versionsOf(versions: readonly (4 | 5)[] | undefined, path: readonly (string | number)[]): readonly (4 | 5)[] {
  if (versions === undefined) return [4, 5];
  if (Array.isArray(versions) && versions.length > 0 && versions.every((version) => version === 4 || version === 5))
    return [...versions];
  throw bad("expected a list of SOCKS versions: 4, 5 or both", path);
}

function methodsOf(methods: readonly AuthMethodName[], path: readonly (string | number)[]): readonly AuthMethodName[] {
  if (Array.isArray(methods) && methods.length > 0 && methods.every((name) => METHOD_NAMES.includes(name)))
    return [...methods];
  throw bad(`expected a list of authentication methods: ${METHOD_NAMES.map((name) => `"${name}"`).join(", ")}`, path);
}

function bad(problem: string, path: readonly (string | number)[]): ServerError {
  const place = path.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
  return new ServerError("ERR_SOCKS_BAD_OPTION", `${place}: ${problem}`, { path });
}

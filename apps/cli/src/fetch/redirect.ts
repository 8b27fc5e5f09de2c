import { CliError } from "../cli-error.ts";
import { type RequestSpec, parseFetchUrl } from "./request-spec.ts";

/** A request and the place it goes to. */
export interface Destination {
  /** What to ask for. */
  readonly spec: RequestSpec;
  /** Where. */
  readonly url: URL;
}

/** Headers that are meant for the host that they were written for. */
const PERSONAL: ReadonlySet<string> = new Set(["authorization", "cookie", "host", "proxy-authorization"]);

/**
 * Where a response sends its reader, the way `curl -L` goes on; `undefined` when it does not.
 *
 * @throws CliError `ERR_SOCKS_HTTP_FAILED` when it sends to something that is no web page.
 */
export function followRedirect(
  current: Destination,
  status: number,
  location: string | undefined,
): Destination | undefined {
  if (status < 300 || status > 399 || location === undefined) return undefined;
  let url: URL;
  try {
    url = parseFetchUrl(location, current.url);
  } catch (error) {
    throw new CliError("ERR_SOCKS_HTTP_FAILED", `bad redirect: ${(error as Error).message}`, error);
  }
  const { spec } = current;
  const dropsBody =
    status === 303 ? spec.method !== "HEAD" : (status === 301 || status === 302) && spec.method === "POST";
  const method = dropsBody && !spec.isMethodChosen ? "GET" : spec.method;
  const changed = dropsBody ? { ...spec, method, body: undefined } : spec;
  // Credentials go to the host, port and scheme that they were given for, and nowhere else.
  if (url.origin === current.url.origin) {
    if (url.username === "" && url.password === "") {
      url.username = current.url.username;
      url.password = current.url.password;
    }
    return { spec: changed, url };
  }
  const headers = changed.headers.filter(([name]) => !PERSONAL.has(name.toLowerCase()));
  return { spec: { ...changed, headers }, url };
}

import { resolvePtrThrough, resolveThrough } from "@sockskit/dial";
import { formatProxyUrl } from "@sockskit/url";
import { parseAddress, WireError } from "@sockskit/wire";

import { usageError } from "../cli-error.ts";
import { type RouteOptions, familyOf } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { connectionsOf } from "../proxy-connection.ts";
import { Reporter } from "../reporter.ts";
import { chooseProxy, warn } from "../route.ts";
import { print } from "../standard-output.ts";
import { observe } from "../trace.ts";

/** `sockskit resolve`: has the proxy look up the address of a name, or the name of an address. */
export async function resolve(text: string, options: RouteOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "resolve" });
  const subject = parseSubject(text);
  const chain = chooseProxy(options, subject, "a look-up by a proxy");
  warn(chain, reporter);
  const start = performance.now();
  const connections = connectionsOf(options, chain, reporter);
  const way = { ...observe(reporter), ...connections, family: familyOf(options), timeoutMs: options.timeout };
  const answer =
    subject.type === "domain"
      ? (await resolveThrough({ ...way, name: subject })).host
      : await resolvePtrThrough({ ...way, address: subject });
  const elapsedMs = Math.round(performance.now() - start);
  const proxies = chain.map((hop) => formatProxyUrl(hop));
  const line = options.json ? JSON.stringify({ query: subject.host, answer, proxies, elapsedMs }) : answer;
  await print(`${line}\n`);
  return EXIT_STATUS.success;
}

function parseSubject(text: string): ReturnType<typeof parseAddress> {
  try {
    return parseAddress(text, 0);
  } catch (error) {
    if (error instanceof WireError) throw usageError(error.message);
    throw error;
  }
}

import { bindThrough } from "@sockskit/dial";
import { formatProxyUrl } from "@sockskit/url";
import { formatAddress } from "@sockskit/wire";

import { type RouteOptions, familyOf } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { relay } from "../relay.ts";
import { connectionsOf } from "../proxy-connection.ts";
import { Reporter } from "../reporter.ts";
import { chooseProxy, warn } from "../route.ts";
import { openStandardOutput } from "../standard-output.ts";
import { parsePeer, peerName } from "../target.ts";
import { observe } from "../trace.ts";

/** Options of `sockskit bind`. */
export interface BindOptions extends RouteOptions {
  /** Milliseconds that the peer may take to connect. */
  readonly acceptTimeout: number;
}

/**
 * `sockskit bind`: one connection that comes in at the proxy, on standard input and output. The address that the peer
 * needs is written to standard error, because standard output carries the data.
 */
export async function bind(text: string, options: BindOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "bind" });
  const peer = parsePeer(text);
  const chain = chooseProxy(options, peer, "bind");
  warn(chain, reporter);
  const listener = await bindThrough({
    ...observe(reporter),
    ...connectionsOf(options, chain, reporter),
    peer,
    family: familyOf(options),
    timeoutMs: options.timeout,
    acceptTimeoutMs: options.acceptTimeout,
  });
  const { host, port } = listener.address;
  const expected = peerName(peer);
  const proxies = listener.hops.map((hop) => formatProxyUrl(hop));
  reporter.note(`listening on ${formatAddress(listener.address)} for ${expected}`, {
    type: "listening",
    address: host,
    port,
    peer: expected,
    proxies,
  });
  const { socket, boundAddress } = await listener.connection;
  const name = peerName(boundAddress ?? peer);
  if (options.json) reporter.note("", { type: "accepted", peer: name });
  const carried = await relay(socket, process.stdin, openStandardOutput(), name);
  if (options.json) reporter.note("", { type: "closed", ...carried });
  return EXIT_STATUS.success;
}

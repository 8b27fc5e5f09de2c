import type { Socket } from "node:net";

import { dialThrough, type DialThroughOptions } from "@sockskit/dial";

import { type GssapiChoice, wantsGssapi, withGssapi } from "./gssapi.ts";
import { rememberConnection } from "./connection-info.ts";
import {
  type ProxyChoice,
  readChain,
  readDestination,
  readEarlyData,
  requireOptions,
  type Target,
} from "./read-options.ts";

/** Where {@link connect} leads, through what, and how. */
export interface ConnectOptions
  extends
    ProxyChoice,
    GssapiChoice,
    Omit<DialThroughOptions, "chain" | "destination" | "check" | "allowHalfOpen" | "earlyData"> {
  /**
   * Where to: `"example.com:80"`, `"[2001:db8::1]:80"`, `{ host, port }`. Who looks a name up is decided by the scheme of
   * the last proxy: `socks5h`, `socks4a` and `socks` leave it to the proxy, `socks5` and `socks4` look it up here.
   */
  readonly target: Target;
  /**
   * What the target gets first, sent behind the request before the proxy has answered: one round trip less. Text is sent as
   * UTF-8; at most 65536 bytes. RFC 1928 has clients wait for the answer: give it to proxies that are known to take it,
   * such as Tor and this project's server. When the call fails, `earlyOctetsSent` of the error tells whether it was sent;
   * the target may have got it then, so it must be something that may happen twice, or not at all. Default none.
   */
  readonly earlyData?: Uint8Array | string | undefined;
  /** `true` keeps the writing side open when the other end stops sending. Default `false`, as in `node:net`. */
  readonly allowHalfOpen?: boolean | undefined;
}

/**
 * Connects to `target` through a SOCKS proxy, or a chain of them.
 *
 * The promise gives a connected `net.Socket` that behaves as if `net.connect` had made it: bytes that the target has sent
 * already are the first that are read. Its `remoteAddress` is the proxy's; {@link connectionInfo} tells the rest. It has
 * no listener yet: attach yours, `error` above all, before the next `await`.
 *
 * @throws SocksError always, whatever goes wrong; see its `code`, `stage` and `hop`. Only an exception of `onProgress` or
 *   `onOctets` is passed on as it is.
 * @example
 * ```ts
 * const socket = await connect({ proxy: "socks5h://127.0.0.1:1080", target: "example.com:80" });
 * socket.on("error", (error) => console.error(error));
 * socket.pipe(process.stdout);
 * socket.write("HEAD / HTTP/1.0\r\nHost: example.com\r\n\r\n");
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Socket> {
  requireOptions(options);
  const destination = readDestination(options.target);
  const chain = readChain(options);
  // One copy of the options, those of this layer included: taking them out first would cost more than it tidies.
  const tunnel = await dialThrough({
    ...(wantsGssapi(options) ? await withGssapi(options) : options),
    chain,
    destination,
    earlyData: readEarlyData(options.earlyData),
    allowHalfOpen: options.allowHalfOpen ?? false,
  });
  return rememberConnection(tunnel, destination);
}

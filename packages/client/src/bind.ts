import type { Socket } from "node:net";

import { bindThrough, type BindThroughOptions, type DialledListener, type DialledTunnel } from "@sockskit/dial";
import type { Address } from "@sockskit/wire";

import { type GssapiChoice, withGssapi } from "./gssapi.ts";
import { rememberConnection } from "./connection-info.ts";
import { type Peer, type ProxyChoice, readChain, readPeer, requireOptions } from "./read-options.ts";

/** Whom {@link bind} expects, at which proxy, and how. */
export interface BindOptions
  extends ProxyChoice, GssapiChoice, Omit<BindThroughOptions, "chain" | "peer" | "check" | "allowHalfOpen"> {
  /**
   * Who is expected to connect: `"ftp.example"`, `"192.0.2.10:20"`, `{ host, port }`. Proxies compare the address and not
   * the port, which may be left out. `"0.0.0.0"` means anybody; many proxies refuse that. Who looks a name up is decided
   * by the proxy's scheme.
   */
  readonly peer: Peer;
  /** `true` keeps the writing side open when the peer stops sending. Default `false`, as in `node:net`. */
  readonly allowHalfOpen?: boolean | undefined;
}

/** A place at a proxy where one peer can connect, see {@link bind}. */
export class Binding {
  /** Where the peer must connect to: tell it, for example with the `PORT` command of FTP. */
  readonly address: Address;
  readonly #listener: DialledListener;
  readonly #connection: Promise<Socket>;

  /** @internal */
  constructor(listener: DialledListener, peer: Address) {
    this.address = listener.address;
    this.#listener = listener;
    this.#connection = listener.connection.then((tunnel) => accepted(tunnel, peer, listener.address));
    // Who closes it need not wait for a connection first.
    this.#connection.catch(() => undefined);
  }

  /**
   * Waits for the connection of the peer; every call gives the same one. There is only one per binding. The socket has no
   * listener yet: attach yours, `error` above all, before the next `await`.
   *
   * @throws SocksError `ERR_SOCKS_TIMEOUT` (nobody came), `ERR_SOCKS_REQUEST_REFUSED` (the proxy gave up, or somebody else
   *   came), `ERR_SOCKS_PROXY_CLOSED`, `ERR_SOCKS_ABORTED` (`close`, `signal`).
   */
  accept(): Promise<Socket> {
    return this.#connection;
  }

  /** Stops waiting; the proxy stops listening. Does nothing once the connection is there. */
  close(): void {
    this.#listener.close();
  }
}

/**
 * Asks a proxy to listen for one connection (BIND), for protocols in which the other side calls back, such as active FTP.
 * SOCKS 4, 4A and 5.
 *
 * Proxies expect a {@link connect} to the same host before it, and many do not offer it at all. `timeoutMs` bounds the time
 * until the proxy listens, `acceptTimeoutMs` the time until the peer has come, `signal` both.
 *
 * @throws SocksError always, whatever goes wrong; see its `code`, `stage` and `hop`. Only an exception of `onProgress` or
 *   `onOctets` is passed on as it is.
 * @example
 * ```ts
 * const binding = await bind({ proxy: "socks5h://127.0.0.1:1080", peer: "ftp.example.com" });
 * console.log(`connect to ${binding.address.host}, port ${binding.address.port}`);
 * const socket = await binding.accept();
 * socket.on("error", (error) => console.error(error));
 * socket.pipe(process.stdout);
 * ```
 */
export async function bind(options: BindOptions): Promise<Binding> {
  requireOptions(options);
  const { proxy, chain, peer, allowHalfOpen = false, ...rest } = await withGssapi(options);
  const expected = readPeer(peer);
  return new Binding(
    await bindThrough({ ...rest, chain: readChain({ proxy, chain }), peer: expected, allowHalfOpen }),
    expected,
  );
}

/** The proxy tells who connected; where it tells nothing, it is who was expected. */
function accepted(tunnel: DialledTunnel, expected: Address, boundAddress: Address): Socket {
  return rememberConnection({ ...tunnel, boundAddress }, tunnel.boundAddress ?? expected);
}

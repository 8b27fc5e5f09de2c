import { type Address, formatAddress } from "@sockskit/wire";

import { Operation } from "../internal/operation.ts";
import { requireDestination } from "../internal/require.ts";
import { connectAddress, type DialledAddress } from "./connect-address.ts";
import { type OutgoingOptions, outgoingSettings } from "./socket-options.ts";

/** Where and how {@link dialAddress} connects. */
export interface DialAddressOptions extends OutgoingOptions {
  /** Where to; a name is looked up here. */
  readonly destination: Address;
  /** Deadline of the whole, the look-up included, in milliseconds. Default 30000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Gives up; everything that was opened is closed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a TCP connection, without a proxy. A name's addresses are tried by RFC 8305 (Happy Eyeballs): staggered, the
 * first that answers wins. The socket has no listener when the promise settles: attach yours, `error` above all,
 * before the next `await`.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_BAD_PORT` (port 0), `ERR_SOCKS_RESOLVE_FAILED`,
 *   `ERR_SOCKS_ADDRESS_DENIED` (`check` refused every address), `ERR_SOCKS_TARGET_UNREACHABLE` (its `cause` has the
 *   system's `code`; with several addresses the code of the first), `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`.
 */
export async function dialAddress(options: DialAddressOptions): Promise<DialledAddress> {
  const { destination, connectTimeoutMs = 30_000, signal } = options;
  const settings = outgoingSettings(options);
  requireDestination(destination);
  const operation = new Operation({ timeoutMs: connectTimeoutMs, signal });
  try {
    const title = (): string => formatAddress(destination);
    const dialled = await connectAddress(operation, destination, settings, {
      stage: "request",
      unreachable: "ERR_SOCKS_TARGET_UNREACHABLE",
      title,
      awaited: () => `${title()} to accept the connection`,
    });
    operation.claim(dialled.socket);
    return dialled;
  } finally {
    operation.release();
  }
}

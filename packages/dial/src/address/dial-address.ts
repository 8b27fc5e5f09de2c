import type { Socket } from "node:net";

import type { Address, IpAddress } from "@sockskit/wire";

import { Operation } from "../internal/operation.ts";
import { requireDestination } from "../internal/require.ts";
import { connectAddress } from "./connect-address.ts";
import { Target } from "./peer.ts";
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

/** A connected socket and the address at its other end. */
export interface DialledAddress {
  /** Connected, not read from yet, without listeners of ours. */
  readonly socket: Socket;
  /** The address that answered. */
  readonly address: IpAddress;
}

/**
 * Opens a TCP connection, without a proxy. A name's addresses are tried by RFC 8305 (Happy Eyeballs): staggered, the
 * first that answers wins. The socket has no listener when the promise settles: attach yours, `error` above all,
 * before the next `await`.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_BAD_PORT` (port 0), `ERR_SOCKS_RESOLVE_FAILED`,
 *   `ERR_SOCKS_ADDRESS_DENIED` (`check` refused every address), `ERR_SOCKS_TARGET_UNREACHABLE` (its `cause`
 *   has the system's `code`; with several addresses the code of the first), `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`.
 */
export function dialAddress(options: DialAddressOptions): Promise<DialledAddress> {
  return new Promise((resolve, reject) => {
    const { destination, connectTimeoutMs: timeoutMs = 30_000, signal } = options;
    const settings = outgoingSettings(options);
    requireDestination(destination);
    const limits = { timeoutMs, timeoutName: "connectTimeoutMs", signal };
    const operation = new Operation<DialledAddress>(limits, resolve, reject);
    operation.run(() =>
      connectAddress(operation, destination, settings, new Target(destination), undefined, (socket, address) =>
        operation.succeed({ socket, address }),
      ),
    );
  });
}

import { MAX_REASSEMBLY_TIMEOUT_MS, MIN_REASSEMBLY_TIMEOUT_MS } from "@sockskit/handshake";
import { type Address, MAX_UDP_HEADER_LENGTH } from "@sockskit/wire";

import type { SocksError } from "../errors.ts";
import { requireInteger } from "../internal/require.ts";

/** Most octets of a datagram, with its SOCKS header, that IPv4 carries: its own header and UDP's are taken off. */
export const MAX_IPV4_DATAGRAM_LENGTH: number = 0xffff - 20 - 8;

/** What is done with the datagrams of an association. */
export interface DatagramOptions {
  /**
   * Called with each datagram that the relay passed on, and with who sent it: an IP address, or a name where the relay
   * echoes names.
   */
  readonly onMessage: (data: Buffer, source: Address) => void;
  /** Called once, when the association is over: with the reason, or without one after `close`. */
  readonly onClosed?: ((reason: SocksError | undefined) => void) | undefined;
  /**
   * Datagrams that are longer than this with their header are sent in fragments (RFC 1928 section 7), in bytes, 263 to
   * 65507. Most relays drop fragments. Default: none are sent, and what is too long is refused.
   */
  readonly fragmentOctets?: number | undefined;
  /** How long received fragments are kept for the rest to come, in milliseconds, 5000 to 60000. Default 5000. */
  readonly reassemblyTimeoutMs?: number | undefined;
}

/** {@link DatagramOptions} checked and filled in. */
export interface DatagramSettings extends DatagramOptions {
  readonly reassemblyTimeoutMs: number;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function datagramSettings(options: DatagramOptions): DatagramSettings {
  const { onMessage, onClosed, fragmentOctets, reassemblyTimeoutMs = MIN_REASSEMBLY_TIMEOUT_MS } = options;
  requireInteger("reassemblyTimeoutMs", reassemblyTimeoutMs, MIN_REASSEMBLY_TIMEOUT_MS, MAX_REASSEMBLY_TIMEOUT_MS);
  if (fragmentOctets !== undefined) {
    requireInteger("fragmentOctets", fragmentOctets, MAX_UDP_HEADER_LENGTH + 1, MAX_IPV4_DATAGRAM_LENGTH);
  }
  return { onMessage, onClosed, fragmentOctets, reassemblyTimeoutMs };
}

// Numbers of draft-ietf-aft-socks-ssl-00.

import { nameIn } from "../internal/name-in.ts";

/** `VER` of every {@link SslFrame}. */
export const SSL_FRAME_VERSION = 0x01;

/** `STATE` of a {@link SslFrame}, draft-ietf-aft-socks-ssl-00; a side never goes back to a lower one. */
export const SSL_STATE = {
  /** The TLS handshake. */
  initialHandshake: 0x01,
  /** Options, and the authentication inside TLS. */
  optionNegotiation: 0x02,
  /** The SOCKS request, its replies, and what is relayed. */
  dataFlow: 0x03,
  /** The end of TLS. */
  closingHandshake: 0x04,
} as const;

/** Options of {@link SslOptions}, draft-ietf-aft-socks-ssl-00. */
export const SSL_OPTION = {
  /** A method of authentication runs inside TLS. */
  subauthentication: 0x01,
  /** Datagrams of an association travel unprotected. */
  udpNaked: 0x10,
} as const;

/** Name of a `STATE` in {@link SSL_STATE}; `undefined` when the number has none. */
export function sslStateName(state: number): keyof typeof SSL_STATE | undefined {
  return nameIn(SSL_STATE, state);
}

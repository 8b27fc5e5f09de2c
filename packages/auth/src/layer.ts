/**
 * Protection that a method leaves behind, for every octet after it and in both directions, by method; the union grows
 * with the methods. It says what was agreed on. Whoever owns the connection makes the adapter that does it.
 */
export type SecureLayer = SslLayer;

/** TLS inside SOCKS, draft-ietf-aft-socks-ssl-00: TLS records in frames of SOCKS. */
export interface SslLayer {
  /** Tag of the union. */
  readonly type: "ssl";
}

import type { GssapiProtection } from "./gssapi-protection.ts";

/**
 * Protection that a method leaves behind, for every octet after it and in both directions, by method; the union grows
 * with the methods. It says what was agreed on. Whoever owns the connection makes the adapter that does it.
 */
export type SecureLayer = SslLayer | GssapiLayer;

/** TLS inside SOCKS, draft-ietf-aft-socks-ssl-00: TLS records in frames of SOCKS. */
export interface SslLayer {
  /** Tag of the union. */
  readonly type: "ssl";
}

/** Frames of RFC 1961 section 5, each with a token of the context that both sides have. */
export interface GssapiLayer {
  /** Tag of the union. */
  readonly type: "gssapi";
  /** What each message is protected against. */
  readonly protection: Exclude<GssapiProtection, "none">;
}

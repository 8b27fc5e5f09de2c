import type { Decoded } from "../decoded.ts";
import { checkOctets, copyOctets } from "../internal/octets.ts";

/** Longest {@link SslOptions}: LEN, 255 octets. */
export const MAX_SSL_OPTIONS_LENGTH: number = 1 + 255;

/**
 * The first message of each side inside TLS, draft-ietf-aft-socks-ssl-00: the client lists what it can do, the server
 * which of that is used.
 *
 * | LEN      | OPTIONS  |
 * |----------|----------|
 * | 0 to 255 | variable |
 */
export interface SslOptions {
  /** `OPTIONS`, one octet each; see {@link SSL_OPTION} for the assigned ones. */
  readonly options: Uint8Array;
}

/**
 * Decodes {@link SslOptions} that begin at `offset`.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 */
export function decodeSslOptions(bytes: Uint8Array, offset = 0): Decoded<SslOptions> | undefined {
  const length = bytes[offset];
  if (length === undefined || bytes.length < offset + 1 + length) return undefined;
  return { value: { options: copyOctets(bytes, offset + 1, offset + 1 + length) }, byteLength: 1 + length };
}

/**
 * Encodes {@link SslOptions}.
 *
 * @throws WireError `ERR_SOCKS_OVERFLOW` (more than 255 options), `ERR_SOCKS_BAD_FIELD`.
 */
export function encodeSslOptions({ options }: SslOptions): Uint8Array {
  checkOctets(options, "OPTIONS", 0, 0xff);
  const bytes = new Uint8Array(1 + options.length);
  bytes[0] = options.length;
  bytes.set(options, 1);
  return bytes;
}

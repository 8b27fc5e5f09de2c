/**
 * Most octets that a machine holds while it waits for its owner (a verdict, a reply) or after it is
 * done, when its owner goes on feeding it. More end it with `ERR_SOCKS_OVERFLOW`.
 *
 * It is one read of a socket, so that a client may send everything in one go; an owner that stops
 * reading while it is asked never meets this limit.
 */
export const MAX_BUFFERED_LENGTH = 0x10000;

/** Most answers with a status below 200 that an HTTP proxy may send before the one that counts. */
export const MAX_HTTP_INTERIM_COUNT = 8;

/** Most octets of `earlyData`: what a proxy that has not answered yet can be expected to keep. */
export const MAX_EARLY_DATA_LENGTH = 0x10000;

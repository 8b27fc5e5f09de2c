/**
 * What a client speaks whose first octet is neither 04 nor 05.
 *
 * One octet decides, so that the answer does not depend on how the octets were cut up.
 */
const CLIENT_PROTOCOLS: Readonly<Record<number, string>> = {
  0x0d: "the PROXY protocol, version 2",
  0x16: "TLS",
  0x43: "HTTP", // CONNECT, COPY
  0x44: "HTTP", // DELETE
  0x47: "HTTP", // GET
  0x48: "HTTP", // HEAD
  0x4f: "HTTP", // OPTIONS
  0x50: "HTTP or the PROXY protocol, version 1", // POST, PUT, PATCH, PROXY
  0x53: "SSH",
  0x54: "HTTP", // TRACE
};

/** What a supposed proxy is whose first octet does not fit. */
const SERVER_PROTOCOLS: Readonly<Record<number, string>> = {
  0x00: "a SOCKS 4 server",
  0x05: "a SOCKS 5 server",
  0x15: "a TLS server", // alert record
  0x16: "a TLS server",
  0x3c: "an HTTP server", // an error page without a status line
  0x48: "an HTTP server", // HTTP/1.1 400 Bad Request
  0x53: "an SSH server", // SSH-2.0-...
};

/** Names what a client speaks, by its first octet; `undefined` when it is not known. */
export function clientProtocol(firstOctet: number): string | undefined {
  return CLIENT_PROTOCOLS[firstOctet];
}

/** Names what a supposed proxy is, by its first octet; `undefined` when it is not known. */
export function serverProtocol(firstOctet: number): string | undefined {
  return SERVER_PROTOCOLS[firstOctet];
}

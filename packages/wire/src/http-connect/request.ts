import type { Decoded } from "../decoded.ts";
import {
  bad,
  checkBeginning,
  decodeHead,
  encodeHead,
  unsayable,
  type HttpHeader,
  type HttpHeadLimits,
  type HttpVersion,
} from "./head.ts";

/**
 * The head of a CONNECT request, RFC 9110 section 9.3.6 and RFC 9112 section 3.2.3:
 * `CONNECT example.com:443 HTTP/1.1`, headers, an empty line. What comes behind it belongs to the tunnel.
 */
export interface HttpConnectRequest {
  /** The target as `host:port`, an IPv6 address in brackets. */
  readonly authority: string;
  /** Version of HTTP: what was received, or is to be said. */
  readonly version: HttpVersion;
  /** Headers in their order, with `Host`. `Proxy-Authorization` holds a secret. */
  readonly headers: readonly HttpHeader[];
}

const METHOD = "CONNECT ";
const REQUEST_LINE = /^CONNECT ([^ ]+) (HTTP\/1\.[01])$/;
/** A name or a dotted quad, or brackets; then a port. Whether the address is one is for its reader to say. */
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+):[0-9]{1,5}$/;

/**
 * Decodes an {@link HttpConnectRequest} that begins at `offset`. What its lines say is judged when it is whole.
 *
 * A CONNECT request has no body, so one that announces a body is refused: whoever forwards it otherwise
 * would see another tunnel begin than we do.
 *
 * @returns `undefined` while `bytes` ends before the empty line.
 * @throws WireError `ERR_SOCKS_BAD_VERSION` (another method or protocol), `ERR_SOCKS_BAD_ADDRESS` (the target is
 *   not `host:port`), `ERR_SOCKS_BAD_FIELD` (a broken line, not exactly one `Host`, a body), `ERR_SOCKS_OVERFLOW`.
 */
export function decodeHttpConnectRequest(
  bytes: Uint8Array,
  offset = 0,
  limits?: HttpHeadLimits,
): Decoded<HttpConnectRequest> | undefined {
  checkBeginning(bytes, offset, METHOD, "request");
  const head = decodeHead(bytes, offset, limits);
  if (head === undefined) return undefined;
  const line = REQUEST_LINE.exec(head.startLine);
  if (line === null) throw bad("the request line is not CONNECT, a target and HTTP/1.0 or HTTP/1.1");
  const [, authority, version] = line as unknown as [string, string, HttpVersion];
  if (!AUTHORITY.test(authority)) throw bad("the target of CONNECT is not host:port", "ERR_SOCKS_BAD_ADDRESS");
  const { headers, byteLength } = head;
  const problem = headerProblem(headers, version);
  if (problem !== undefined) throw bad(problem);
  return { value: { authority, version, headers }, byteLength };
}

/**
 * Encodes an {@link HttpConnectRequest}. `Host` must be among the headers; RFC 9112 section 3.2 wants it to be
 * the authority.
 *
 * @throws WireError `ERR_SOCKS_BAD_ADDRESS` (the authority is not `host:port`), `ERR_SOCKS_BAD_FIELD` (a name or
 *   value that no header can carry, not exactly one `Host`, a body announced), `ERR_SOCKS_OVERFLOW`.
 */
export function encodeHttpConnectRequest(value: HttpConnectRequest): Uint8Array {
  const { authority, version, headers } = value;
  if (!AUTHORITY.test(authority)) {
    throw unsayable("the target of CONNECT is not host:port", "ERR_SOCKS_BAD_ADDRESS");
  }
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") throw unsayable("the version is not HTTP/1.0 or HTTP/1.1");
  const problem = headerProblem(headers, version);
  if (problem !== undefined) throw unsayable(problem);
  return encodeHead(`CONNECT ${authority} ${version}`, headers);
}

/** What two readers of the request could understand differently. */
function headerProblem(headers: readonly HttpHeader[], version: HttpVersion): string | undefined {
  let hosts = 0;
  for (const { name, value } of headers) {
    const lower = name.toLowerCase();
    if (lower === "host") hosts++;
    if (lower === "transfer-encoding" || (lower === "content-length" && value !== "0")) {
      return `the CONNECT request announces a body (${name}), which it cannot have`;
    }
  }
  if (hosts === 1 || (hosts === 0 && version === "HTTP/1.0")) return undefined;
  return `the CONNECT request has ${hosts} Host headers; expected one`;
}

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
 * The head of the answer to CONNECT, RFC 9110 section 9.3.6 and RFC 9112 section 4:
 * `HTTP/1.1 200 Connection established`, headers, an empty line.
 *
 * With a status of 200 to 299 the tunnel begins right behind it, whatever `Content-Length` and
 * `Transfer-Encoding` say. With 100 to 199 another head follows. With any other status there is no tunnel, and
 * what follows is a page for people.
 */
export interface HttpConnectResponse {
  /** Status code, 100 to 999; see RFC 9110 section 15. 407 asks for credentials. */
  readonly status: number;
  /** Reason phrase, often empty; each character is one octet. It comes from the proxy: escape it before you show it. */
  readonly reason: string;
  /** Version of HTTP: what was received, or is to be said. */
  readonly version: HttpVersion;
  /** Headers in their order. */
  readonly headers: readonly HttpHeader[];
}

const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Decodes an {@link HttpConnectResponse} that begins at `offset`. What its lines say is judged when it is whole.
 *
 * Deviation: the space before an empty reason phrase may be missing, because proxies leave it out.
 *
 * @returns `undefined` while `bytes` ends before the empty line.
 * @throws WireError `ERR_SOCKS_BAD_VERSION` (not HTTP/1), `ERR_SOCKS_BAD_FIELD` (a broken line), `ERR_SOCKS_OVERFLOW`.
 */
export function decodeHttpConnectResponse(
  bytes: Uint8Array,
  offset = 0,
  limits?: HttpHeadLimits,
): Decoded<HttpConnectResponse> | undefined {
  checkBeginning(bytes, offset, "HTTP/1.", "answer to CONNECT");
  const head = decodeHead(bytes, offset, limits);
  if (head === undefined) return undefined;
  const line = STATUS_LINE.exec(head.startLine);
  if (line === null) throw bad("the status line is not HTTP/1.0 or HTTP/1.1, a status and a reason");
  const [, version, status, reason = ""] = line as unknown as [string, HttpVersion, string, string?];
  const { headers, byteLength } = head;
  return { value: { version, status: Number(status), reason, headers }, byteLength };
}

/**
 * Encodes an {@link HttpConnectResponse}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (a status outside 100 to 999; a name, value or reason that cannot be
 *   carried), `ERR_SOCKS_OVERFLOW`.
 */
export function encodeHttpConnectResponse(value: HttpConnectResponse): Uint8Array {
  const { status, reason, version, headers } = value;
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw unsayable(`the status is ${String(status)}; expected 100 to 999`);
  }
  if (!REASON.test(reason)) throw unsayable("the reason phrase has characters that it cannot carry");
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") throw unsayable("the version is not HTTP/1.0 or HTTP/1.1");
  return encodeHead(`${version} ${status} ${reason}`, headers);
}

import {
  type Address,
  decodeHttpConnectResponse,
  encodeHttpConnectRequest,
  formatAddress,
  type HttpConnectResponse,
  type HttpHeader,
  WireError,
} from "@sockskit/wire";

import type { ClientEstablishedEvent, ClientFailedEvent, ClientSendEvent } from "./client-events.ts";
import { HandshakeError, type HandshakeErrorCode, type HandshakeErrorOptions } from "./errors.ts";
import { basicCredentials } from "./internal/basic-credentials.ts";
import { challengeSchemes } from "./internal/challenge-schemes.ts";
import { serverProtocol } from "./internal/foreign-protocol.ts";
import { OctetQueue } from "./internal/octet-queue.ts";
import { formatOctet, printableText } from "./internal/octet-text.ts";
import { MAX_BUFFERED_LENGTH, MAX_HTTP_INTERIM_COUNT } from "./limits.ts";

/** What an {@link HttpConnectHandshake} tells its owner. */
export type HttpConnectEvent = ClientSendEvent | HttpAnswerEvent | ClientEstablishedEvent | ClientFailedEvent;

/** The proxy answered; `established` or `failed` follows, or with a status below 200 another answer. */
export interface HttpAnswerEvent {
  /** Tag of the union. */
  readonly type: "http-answer";
  /** Status code, 100 to 999. */
  readonly status: number;
  /** Reason phrase, printable and at most 80 characters; often empty. */
  readonly reason: string;
}

/** User name and password of Basic authentication, as text; they are sent as UTF-8. */
export interface BasicCredentials {
  /** The user name: no `:`, no control characters. */
  readonly username: string;
  /** The password: no control characters. */
  readonly password: string;
}

/** What an {@link HttpConnectHandshake} asks for, and how. */
export interface HttpConnectHandshakeOptions {
  /** Where to. A name is resolved by the proxy. */
  readonly destination: Address;
  /** Sent as Basic authentication (RFC 7617) with the request. Default: none. */
  readonly credentials?: BasicCredentials | undefined;
}

type State = "start" | "requesting" | "established" | "failed";

const NO_EVENTS: readonly HttpConnectEvent[] = [];
const BASIC = "basic";
/** Asks for credentials, RFC 9110 section 15.5.8. */
const PROXY_AUTHENTICATION_REQUIRED = 407;
/** The only interim answer after which no other follows: the connection would not be HTTP any more. */
const SWITCHING_PROTOCOLS = 101;

/**
 * The client side of one HTTP CONNECT with one proxy (RFC 9110 section 9.3.6), without I/O. It is used like
 * `ClientHandshake`: call `start`, feed it with `receive`, do what its events say.
 *
 * The proxy has one chance: when it asks for other credentials, the handshake has failed.
 */
export class HttpConnectHandshake {
  readonly #request: Uint8Array;
  readonly #hasCredentials: boolean;
  readonly #input = new OctetQueue();
  #state: State = "start";
  #interimCount = 0;

  /**
   * @param options - What to ask for.
   * @throws HandshakeError side `local`: `ERR_SOCKS_BAD_PORT` (0), `ERR_SOCKS_NOT_REPRESENTABLE` (an IPv6 address with a
   * zone), `ERR_SOCKS_BAD_ADDRESS` (a name that no URL can hold), `ERR_SOCKS_AUTH_CREDENTIALS` (a user name with `:`, control characters),
   * `ERR_SOCKS_OVERFLOW`.
   */
  constructor(options: HttpConnectHandshakeOptions) {
    this.#request = encodeRequest(options);
    this.#hasCredentials = options.credentials !== undefined;
  }

  /** Octets received and not used yet; at most {@link MAX_BUFFERED_LENGTH}. */
  get bufferedLength(): number {
    return this.#input.length;
  }

  /**
   * Begins: gives the request to send.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when called again.
   */
  start(): readonly HttpConnectEvent[] {
    if (this.#state !== "start") throw misuse("start() was called again");
    this.#state = "requesting";
    return [{ type: "send", data: this.#request, secret: this.#hasCredentials }];
  }

  /**
   * Takes octets of the proxy, in any portions. They may be overwritten after the call. It never throws for what a peer
   * sends. After a failure octets are dropped.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` before `start`.
   */
  receive(bytes: Uint8Array): readonly HttpConnectEvent[] {
    if (this.#state === "start") throw misuse("receive() was called before start()");
    if (this.#state === "failed" || bytes.length === 0) return NO_EVENTS;
    this.#input.push(bytes);
    const events: HttpConnectEvent[] = [];
    if (this.#state === "requesting") this.#readAnswers(events);
    if (this.#input.length > MAX_BUFFERED_LENGTH) {
      const message = `proxy sent more than ${MAX_BUFFERED_LENGTH} octets that nobody took`;
      events.push(this.#failed("ERR_SOCKS_OVERFLOW", message));
    }
    this.#input.settle();
    return events;
  }

  /**
   * Hands over what the proxy sent behind its answer: the first octets of the tunnel.
   *
   * From the `established` event on. Each octet is given once; `undefined` when there is none.
   */
  takeTrailingData(): Uint8Array | undefined {
    return this.#state === "established" ? this.#input.take() : undefined;
  }

  #readAnswers(events: HttpConnectEvent[]): void {
    try {
      while (this.#state === "requesting" && this.#readAnswer(events));
    } catch (error) {
      // Decoders throw for octets that can never become valid; anything else is a defect.
      if (!(error instanceof WireError)) throw error;
      events.push(this.#notHttp(error));
    }
  }

  #readAnswer(events: HttpConnectEvent[]): boolean {
    const input = this.#input;
    const decoded = decodeHttpConnectResponse(input.bytes, input.offset);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    const { status } = decoded.value;
    const reason = printableText(decoded.value.reason);
    events.push({ type: "http-answer", status, reason });
    if (status >= 200 && status < 300) {
      this.#state = "established";
      events.push({ type: "established", boundAddress: undefined, reply: status });
    } else if (status < 200 && status !== SWITCHING_PROTOCOLS) {
      this.#interimCount += 1;
      if (this.#interimCount <= MAX_HTTP_INTERIM_COUNT) return true;
      const message = `proxy sent more than ${MAX_HTTP_INTERIM_COUNT} interim answers`;
      events.push(this.#failed("ERR_SOCKS_OVERFLOW", message));
    } else {
      events.push(this.#refused(decoded.value, reason));
    }
    return false;
  }

  #refused({ status: httpStatus, headers }: HttpConnectResponse, reason: string): ClientFailedEvent {
    const text = `HTTP status ${httpStatus}${reason === "" ? "" : ` (${reason})`}`;
    if (httpStatus !== PROXY_AUTHENTICATION_REQUIRED) {
      return this.#failed("ERR_SOCKS_REQUEST_REFUSED", text, { httpStatus });
    }
    const schemes = challengeSchemes(headers);
    const offersBasic = schemes.some((scheme) => scheme.toLowerCase() === BASIC);
    if (this.#hasCredentials && (offersBasic || schemes.length === 0)) {
      const message = `proxy rejected the user name or password: ${text}`;
      return this.#failed("ERR_SOCKS_AUTH_REJECTED", message, { httpStatus, stage: "authenticate" });
    }
    const offer = schemes.length === 0 ? "does not say which" : `offers ${schemes.join(", ")}`;
    const problem =
      this.#hasCredentials || (!offersBasic && schemes.length > 0) ? "only Basic is known" : "none were given";
    const message = `proxy wants credentials and ${offer}; ${problem}: ${text}`;
    return this.#failed("ERR_SOCKS_NO_ACCEPTABLE_METHOD", message, { httpStatus, stage: "negotiate" });
  }

  #notHttp(cause: WireError): ClientFailedEvent {
    if (cause.code !== "ERR_SOCKS_BAD_VERSION") {
      return this.#failed(cause.code, `broken answer of the proxy: ${cause.message}`, { cause });
    }
    const octet = this.#input.peek() as number;
    const server = serverProtocol(octet);
    const guess = server === undefined || octet === HTTP_OCTET ? "is it an HTTP/1 proxy?" : `that looks like ${server}`;
    const message = `the answer of the proxy, which begins with ${formatOctet(octet)}, is not HTTP/1: ${guess}`;
    return this.#failed("ERR_SOCKS_NOT_HTTP", message, { cause, stage: "negotiate" });
  }

  #failed(code: HandshakeErrorCode, message: string, details: Partial<HandshakeErrorOptions> = {}): ClientFailedEvent {
    this.#state = "failed";
    this.#input.clear();
    return {
      type: "failed",
      error: new HandshakeError(code, message, { side: "remote", stage: "request", ...details }),
    };
  }
}

/** Begins `HTTP/`, and little else. */
const HTTP_OCTET = 0x48;

/** Encodes the request, before anything is sent: what cannot be said is refused here. The secret is its end. */
function encodeRequest({ destination, credentials }: HttpConnectHandshakeOptions): Uint8Array {
  const authority = formatAddress(destination);
  if (destination.port === 0) throw local("ERR_SOCKS_BAD_PORT", `cannot connect to ${authority}: port 0 is none`);
  if (destination.type === "ipv6" && destination.zone !== undefined) {
    const message = `an HTTP proxy cannot be asked for ${authority}: a zone means nothing to a proxy`;
    throw local("ERR_SOCKS_NOT_REPRESENTABLE", message);
  }
  const headers: HttpHeader[] = [{ name: "Host", value: authority }];
  if (credentials !== undefined) {
    headers.push({ name: "Proxy-Authorization", value: `Basic ${basicCredentials(credentials)}` });
  }
  try {
    return encodeHttpConnectRequest({ authority, version: "HTTP/1.1", headers });
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw local(cause.code, `cannot make the request: ${cause.message}`, cause);
  }
}

function local(code: HandshakeErrorCode, message: string, cause?: unknown): HandshakeError {
  return new HandshakeError(code, message, { side: "local", stage: "request", cause });
}

function misuse(message: string): HandshakeError {
  return local("ERR_SOCKS_STATE", message);
}

import { type IncomingMessage, request } from "node:http";
import { type Socket, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type TLSSocket, connect as connectTls } from "node:tls";

import { CliError, reasonOf } from "../cli-error.ts";
import { type Header, showUrl } from "./request-spec.ts";

/** How long a destination may say nothing, before its response or in the middle of it. */
const SILENCE_TIMEOUT_MS = 300_000;
/** Largest head of a response. */
const MAX_HEAD_SIZE = 262_144;

/** Where the URL's host wants to be spoken to, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Port of a URL, its scheme's when it names none. */
export function portOf(url: URL): number {
  return url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
}

/**
 * TLS with the destination, over an open connection.
 *
 * @throws CliError `ERR_SOCKS_TLS_FAILED`.
 */
export function secure(socket: Socket, url: URL, ca: string | undefined, timeoutMs: number): Promise<TLSSocket> {
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    const fail = (problem: string, cause?: Error): void => {
      socket.destroy();
      tls.destroy();
      reject(new CliError("ERR_SOCKS_TLS_FAILED", `no TLS with ${url.host}: ${problem}`, cause));
    };
    const tls = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca }),
      ALPNProtocols: ["http/1.1"],
    });
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    const onError = (error: Error): void => {
      clearTimeout(timer);
      fail(describeTls(error), error);
    };
    tls.once("error", onError);
    tls.once("secureConnect", () => {
      clearTimeout(timer);
      tls.removeListener("error", onError);
      resolve(tls);
    });
  });
}

function describeTls(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    return `it does not speak TLS on this port (${code})`;
  }
  return code === undefined || error.message === code ? reasonOf(error) : `${error.message} (${code})`;
}

/** One request as it is sent. */
export interface ExchangeRequest {
  /** Method. */
  readonly method: string;
  /** Where to; the connection leads there already. */
  readonly url: URL;
  /** All headers. */
  readonly headers: readonly Header[];
  /** The body. */
  readonly body: Uint8Array | undefined;
}

/**
 * Sends one request and waits for the head of its response. The body is still to be read; the connection breaks when
 * nothing comes for `silenceMs`, before the head or in the body.
 *
 * @throws CliError `ERR_SOCKS_HTTP_FAILED`, `ERR_SOCKS_TUNNEL_BROKEN`.
 */
export function exchange(
  connection: Socket,
  { method, url, headers, body }: ExchangeRequest,
  silenceMs: number = SILENCE_TIMEOUT_MS,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      method,
      path: `${url.pathname}${url.search}`,
      headers: headers.flat(),
      createConnection: () => connection,
      maxHeaderSize: MAX_HEAD_SIZE,
    });
    let broken: (error: Error) => void = (error) => outgoing.destroy(error);
    const leave = (socket: Duplex): void => {
      socket.destroy();
      reject(new CliError("ERR_SOCKS_HTTP_FAILED", `${url.host} wants to leave HTTP, which was not asked for`));
    };
    outgoing.on("response", (response) => {
      // Without the header Upgrade Node takes it for a response, which 101 never is.
      if (response.statusCode === 101) {
        response.on("error", () => undefined);
        leave(connection);
        return;
      }
      // What is wrong with the body is told to the request; the response would only hear that it was cut off.
      broken = (error) => response.destroy(error);
      outgoing.on("error", broken);
      resolve(response);
    });
    outgoing.on("upgrade", (_response, socket) => leave(socket));
    outgoing.setTimeout(silenceMs, () => {
      const message = `${url.host} has sent nothing for ${silenceMs / 1000} s`;
      broken(new CliError("ERR_SOCKS_TUNNEL_BROKEN", message));
    });
    outgoing.on("error", (error) => reject(exchangeError(error, url)));
    outgoing.end(body);
  });
}

/** What an error in the middle of HTTP means. */
export function exchangeError(error: Error, url: URL): CliError {
  if (error instanceof CliError) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code.startsWith("HPE_")) {
    return new CliError("ERR_SOCKS_HTTP_FAILED", `${url.host} did not answer in HTTP (${code})`, error);
  }
  const message = `the connection for ${showUrl(url)} broke: ${reasonOf(error)}`;
  return new CliError("ERR_SOCKS_TUNNEL_BROKEN", message, error);
}

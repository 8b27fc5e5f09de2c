import type { Socket } from "node:net";
import { connect, createServer, type SecureContextOptions, TLSSocket } from "node:tls";
import { AuthError } from "@sockskit/auth";
import { SSL_STATE, WireError } from "@sockskit/wire";

import { connectionOptions, MIN_TLS_VERSION, nameToCheck, type TlsSettings } from "../chain/tls-options.ts";
import type { LayeredConnection } from "./layered-connection.ts";
import { SslFrames } from "./ssl-frames.ts";

/** TLS of a server with method 06. */
export interface SslServerTls {
  /** The certificate in PEM, followed by those that lead to an authority. */
  readonly cert: string | Uint8Array;
  /** Its private key in PEM, without a passphrase. */
  readonly key: string | Uint8Array;
}

/** Whoever opens a layer has a deadline for all of the handshake. */
const FOREVER = 0x7fffffff;

/**
 * Puts TLS over a connection to a proxy, as method 0x06 has it (draft-ietf-aft-socks-ssl-00). The promise settles when
 * the proxy has proven itself; the connection is destroyed when it does not.
 *
 * @param socket - The connection, with nobody else listening to it.
 * @param host - Of the proxy: a name, or an IP address.
 * @throws AuthError `ERR_SOCKS_AUTH_UNTRUSTED` (its certificate is not trusted), `ERR_SOCKS_AUTH_PROTOCOL`.
 */
export function openSslClient(socket: Socket, host: string, settings: TlsSettings): Promise<LayeredConnection> {
  const { allowHalfOpen } = socket;
  const frames = new SslFrames(socket);
  const secured = connect({ ...connectionOptions(settings, nameToCheck(settings, host)), socket: frames });
  secured.allowHalfOpen = allowHalfOpen;
  return new Promise((resolve, reject) => {
    const fail = (error: Error | undefined): void => reject(failureOf(error));
    secured.once("error", fail);
    secured.once("close", () => fail(undefined));
    secured.once("secureConnect", () => {
      secured.removeListener("error", fail);
      resolve(layered(socket, frames, secured));
    });
  });
}

/**
 * Puts TLS over the connection of a client, as method 0x06 has it. The promise settles when the handshake of TLS is
 * done; the connection is destroyed when that fails.
 *
 * @param socket - The connection, with nobody else listening to it.
 * @throws AuthError `ERR_SOCKS_AUTH_PROTOCOL`.
 */
export function openSslServer(socket: Socket, tls: SslServerTls): Promise<LayeredConnection> {
  const frames = new SslFrames(socket);
  return new Promise((resolve, reject) => {
    const fail = (error: Error | undefined): void => {
      reject(failureOf(error));
      frames.destroy();
    };
    frames.once("close", () => fail(undefined));
    // One for each connection: a server does not tell which of its connections an event is about.
    createServer({ ...(tls as SecureContextOptions), minVersion: MIN_TLS_VERSION, handshakeTimeout: FOREVER })
      .once("tlsClientError", fail)
      .once("secureConnection", (secured) => {
        // Each one costs as much as a new connection, and no client of ours needs it.
        secured.disableRenegotiation();
        resolve(layered(socket, frames, secured));
      })
      .emit("connection", frames);
  });
}

function layered(socket: Socket, frames: SslFrames, secured: TLSSocket): LayeredConnection {
  // Stands between the authentication and the request in the queue of what is to be sent.
  const mark = Buffer.alloc(0);
  const write = secured._write.bind(secured);
  const end = secured._final.bind(secured);
  frames.enter(SSL_STATE.optionNegotiation);
  secured._write = (chunk: unknown, encoding, done) => {
    if (chunk !== mark) return write(chunk, encoding, done);
    // Everything before it is in frames by now; from here on several pieces may be sent at once again.
    frames.enter(SSL_STATE.dataFlow);
    delete (secured as { _writev?: unknown })._writev;
    return done();
  };
  Object.defineProperty(secured, "_writev", { value: undefined, configurable: true });
  // Everything was written when a stream gets here: what is left is to say goodbye.
  secured._final = (done) => {
    frames.enter(SSL_STATE.closingHandshake);
    end(done);
  };
  // Node resets TCP connections only, and throws for everything else. TLS below brings a reset of its own.
  secured.resetAndDestroy = () => {
    const canReset = !(socket instanceof TLSSocket) || Object.hasOwn(socket, "resetAndDestroy");
    // While the system sends an end it refuses to reset (EINVAL), and Node's socket would stay open.
    const isEnding = socket.writableEnded && !socket.writableFinished;
    if (canReset && !isEnding && !socket.destroyed) socket.resetAndDestroy();
    return secured.destroy();
  };
  return {
    socket: secured,
    authenticated: () => void secured.write(mark),
  };
}

/** Certificates that are not trusted have codes of OpenSSL and Node; everything else is a handshake gone wrong. */
const UNTRUSTED =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/u;

/** What went wrong, in words of the TLS library, which hold nothing of the peer's. */
function failureOf(error: (Error & { readonly code?: string; readonly reason?: string }) | undefined): AuthError {
  const { code, reason } = error ?? {};
  if (code !== undefined && UNTRUSTED.test(code)) {
    const message = `the proxy's certificate inside SOCKS is not trusted (${code})`;
    return new AuthError("ERR_SOCKS_AUTH_UNTRUSTED", message, { side: "remote", cause: error });
  }
  const why = error instanceof WireError ? error.message : (reason ?? code ?? "the connection ended");
  return new AuthError("ERR_SOCKS_AUTH_PROTOCOL", `TLS inside SOCKS failed: ${why}`, { side: "remote", cause: error });
}

import type { Socket } from "node:net";
import { connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";

import type { Operation } from "../internal/operation.ts";
import type { Hop } from "./hop.ts";
import type { Observer } from "./observer.ts";
import type { SecuredStep } from "./progress.ts";
import { showAddresses, streamBelow } from "./stream-below.ts";
import { endedInTls, shown, tlsError } from "./tls-errors.ts";
import { connectionOptions, type TlsSettings } from "./tls-options.ts";

/** Errors of a connection that ended below TLS. */
const ENDED: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * Puts TLS over an open connection to a hop: the one to the first proxy, or a tunnel through those before it. Whatever
 * goes wrong ends the operation, which holds both sockets.
 *
 * @param socket - Without listeners of ours. What it has received and nobody took goes to TLS.
 */
export function secureHop<T>(
  operation: Operation<T>,
  socket: Socket,
  hop: Hop,
  settings: TlsSettings,
  observer: Observer,
  onSecured: (secured: TLSSocket) => void,
): void {
  operation.enter("tls", hop);
  const { allowHalfOpen } = socket;
  // A socket that answers an end by itself would cut off what is still on its way through TLS.
  socket.allowHalfOpen = true;
  const secured = connectTls({
    ...connectionOptions(settings, hop.serverName),
    socket: streamBelow(socket),
    ...(hop.proxy.protocol === "http" && { ALPNProtocols: ["http/1.1"] }),
  });
  secured.allowHalfOpen = allowHalfOpen;
  showAddresses(secured, socket);
  // Errors come to the socket above as well; without a listener this one would end the process.
  socket.on("error", ignore);
  operation.hold(() => {
    secured.destroy();
    socket.destroy();
  });
  let certificate: PeerCertificate | undefined;
  // Before Node judges it, and drops it with the connection.
  secured.prependListener("secure", () => (certificate = secured.getPeerCertificate()));
  const onError = (error: NodeJS.ErrnoException): void => {
    secured.on("error", ignore);
    const hasEnded = ENDED.has(error.code);
    operation.fail(hasEnded ? endedInTls(hop, error) : tlsError(hop, error, certificate));
  };
  secured.on("error", onError);
  secured.once("secureConnect", () => {
    secured.removeListener("error", onError);
    resetBelow(secured, socket);
    observer.progress?.(hop, securedStep(secured));
    if (!operation.over) operation.run(() => onSecured(secured));
  });
}

function ignore(): void {
  // Told elsewhere.
}

/** A reset exists in TCP only: the connection below is reset, and takes TLS with it. Node would throw. */
function resetBelow(secured: TLSSocket, socket: Socket): void {
  secured.resetAndDestroy = (): TLSSocket => {
    // While the system sends an end it refuses to reset (EINVAL), and Node's socket would stay open.
    const isEnding = secured.writableEnded && !secured.writableFinished;
    if (isEnding) secured.destroy();
    else socket.resetAndDestroy();
    return secured;
  };
}

function securedStep(secured: TLSSocket): SecuredStep {
  const { subject, issuer, valid_to: validTo, fingerprint256 } = secured.getPeerCertificate();
  const error = secured.authorizationError as Error | string | null | undefined;
  return {
    step: "secured",
    protocol: secured.getProtocol() ?? "TLS",
    cipher: secured.getCipher().name,
    subject: nameIn(subject),
    issuer: nameIn(issuer),
    validTo: shown(validTo),
    fingerprint256: shown(fingerprint256),
    ...(!secured.authorized && { problem: shown(error instanceof Error ? error.message : (error ?? "not checked")) }),
  };
}

/** A distinguished name in one word or two. */
function nameIn(name: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined): string {
  const words = name?.CN ?? name?.O ?? "";
  return shown(typeof words === "string" ? words : words.join(" "));
}

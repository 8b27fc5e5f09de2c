import net from "node:net";
import tls from "node:tls";

import { certificatePair, type CertificateName, listenTcp, type LoopbackServer } from "@sockskit/testing";

/** A {@link startTlsFront}, and what it saw. */
export interface TlsFront extends LoopbackServer {
  /** The names that clients asked for, `false` where they asked for none. */
  readonly serverNames: readonly (string | false | undefined)[];
  /** Errors of the connections below TLS, by their codes. */
  readonly errors: readonly string[];
}

/** TLS on a free loopback port in front of a server without it. Each direction ends on its own. */
export async function startTlsFront(
  backend: { readonly port: number },
  { certificate = "server", ...options }: tls.TlsOptions & { readonly certificate?: CertificateName } = {},
): Promise<TlsFront> {
  const serverNames: (string | false | undefined)[] = [];
  const errors: string[] = [];
  const server = await listenTcp((socket) => {
    socket.on("error", ({ code = "" }: NodeJS.ErrnoException) => errors.push(code));
    const secured = new tls.TLSSocket(socket, {
      isServer: true,
      ...certificatePair(certificate),
      ...options,
    });
    secured.on("error", ({ code = "" }: NodeJS.ErrnoException) => errors.push(code));
    secured.on("secure", () => {
      serverNames.push((secured as tls.TLSSocket & { servername?: string | false }).servername);
      const inner = net.connect({ port: backend.port, host: "127.0.0.1", allowHalfOpen: true });
      inner.on("error", () => secured.destroy());
      inner.on("close", () => secured.destroySoon());
      secured.on("close", () => inner.destroy());
      secured.pipe(inner).pipe(secured);
    });
  });
  return Object.assign(server, { serverNames, errors });
}

import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { SessionUser } from "../session/session-record.ts";
import { certificateName } from "./certificate-name.ts";
import { runsOver } from "./reset.ts";
import { contextFor, type TlsPlan } from "./tls-plan.ts";

/** What a {@link TlsGate} answers for a connection, once. */
interface GateAnswers {
  /** The handshake is done; `user` is who the client's certificate names. */
  readonly secured: (socket: TLSSocket, user: SessionUser | undefined) => void;
  /** It failed. */
  readonly failed: (reason: string) => void;
}

/** Connections have a deadline of their own for all of their handshake. */
const FOREVER = 0x7fffffff;

/** Speaks TLS on connections that others have accepted. */
export class TlsGate {
  readonly #server: Server;
  readonly #asksClients: boolean;
  readonly #waiting = new WeakMap<Socket, GateAnswers>();

  constructor(plan: TlsPlan) {
    const [first] = plan.choices;
    this.#asksClients = plan.asksClients;
    this.#server = createServer({
      ...first.options,
      handshakeTimeout: FOREVER,
      requestCert: plan.asksClients,
      // Judged below, where it can be said what is wrong.
      rejectUnauthorized: false,
      SNICallback: (host, choose) => choose(null, contextFor(plan, host)),
    });
    this.#server.on("secureConnection", (socket) => this.#judge(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#take(socket)?.failed(failureOf(error)));
  }

  /** Begins the handshake; what was read of the connection already is put back before. */
  open(socket: Socket, answers: GateAnswers): void {
    this.#waiting.set(socket, answers);
    // In the middle of a handshake the client's end is the end of all.
    socket.allowHalfOpen = false;
    this.#server.emit("connection", socket);
  }

  #judge(socket: TLSSocket): void {
    const answers = this.#take(socket);
    if (answers === undefined) return void socket.destroy();
    // From here on the relay passes each end on by itself.
    socket.allowHalfOpen = true;
    // Each one costs as much as a new connection, and no client of ours needs it.
    socket.disableRenegotiation();
    if (!this.#asksClients) return answers.secured(socket, undefined);
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return answers.failed("the client showed no certificate, and must (tls.clientCa)");
    if (!socket.authorized) {
      return answers.failed(`the client's certificate is not accepted: ${String(socket.authorizationError)}`);
    }
    const name = certificateName(certificate);
    if (name === undefined) return answers.failed("the client's certificate has no one common name that can be a user");
    return answers.secured(socket, { name, groups: [] });
  }

  /** Who waits for what becomes of a TLS connection. Node keeps what it runs over in `_parent`. */
  #take(socket: TLSSocket): GateAnswers | undefined {
    const { _parent: base } = socket as { readonly _parent?: Socket };
    if (base === undefined) return undefined;
    const answers = this.#waiting.get(base);
    this.#waiting.delete(base);
    runsOver(socket, base);
    return answers;
  }
}

/** The TLS library's own words, which hold nothing of the client's. */
function failureOf(error: NodeJS.ErrnoException & { readonly reason?: string }): string {
  if (error.code === "ECONNRESET") return "the connection ended inside the TLS handshake";
  return `the TLS handshake failed: ${error.reason ?? error.code ?? "for an unknown reason"}`;
}

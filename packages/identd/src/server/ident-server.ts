import net from "node:net";
import { formatAddress, type IpAddress, networkContains, parseIpAddress, unmapAddress } from "@sockskit/wire";
import { IdentError } from "../errors.ts";
import { Answerer } from "./answer.ts";
import { Conversation } from "./conversation.ts";
import { type IdentServerOptions, type IdentServerPlan, planIdentServer } from "./options.ts";

/** An ident daemon: answers whose a connection of this host is, RFC 1413. */
export class IdentServer {
  readonly #plan: IdentServerPlan;
  readonly #answerer: Answerer;
  readonly #server: net.Server;
  /** In order of arrival. */
  readonly #open = new Map<net.Socket, Conversation>();
  #state: "new" | "listening" | "closed" = "new";

  /** @internal Use {@link createIdentServer}. */
  constructor(options: IdentServerOptions) {
    this.#plan = planIdentServer(options);
    this.#answerer = new Answerer(this.#plan);
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /**
   * Opens the listening socket.
   *
   * @returns Address and port that it has.
   * @throws IdentError `ERR_SOCKS_LISTEN_FAILED`, `ERR_SOCKS_SERVER_STATE`.
   */
  listen(): Promise<IpAddress> {
    if (this.#state !== "new") {
      const message = "listen() or close() was called before; a server listens once";
      return Promise.reject(new IdentError("ERR_SOCKS_SERVER_STATE", message, { side: "local" }));
    }
    this.#state = "listening";
    const { host, port } = this.#plan;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", (cause: NodeJS.ErrnoException) => reject(listenFailed(host, port, cause)));
      server.listen({ host, port }, () => {
        server.removeAllListeners("error").on("error", (cause) => {
          this.#answerer.report(new IdentError("ERR_SOCKS_LISTEN_FAILED", "accepting fails", { side: "local", cause }));
        });
        const { address, port: taken } = server.address() as net.AddressInfo;
        resolve(parseIpAddress(address, taken) as IpAddress);
      });
    });
  }

  /** Stops listening and ends every connection. */
  close(): Promise<void> {
    this.#state = "closed";
    for (const conversation of this.#open.values()) conversation.stop();
    return new Promise((resolve) => {
      // An error says only that it did not listen.
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: net.Socket): void {
    const remote = ipAddress(socket.remoteAddress, socket.remotePort);
    const local = ipAddress(socket.localAddress, socket.localPort);
    if (remote === undefined || local === undefined || !this.#isWelcome(remote)) {
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      return;
    }
    if (this.#open.size >= this.#plan.connectionLimit) {
      const [oldest] = this.#open;
      oldest?.[1].stop();
      if (oldest !== undefined) this.#open.delete(oldest[0]);
    }
    const conversation = new Conversation(socket, local, remote, this.#answerer, this.#plan.idleTimeoutMs);
    this.#open.set(socket, conversation);
    socket.on("close", () => this.#open.delete(socket));
    conversation.start();
  }

  #isWelcome(remote: IpAddress): boolean {
    const { peers } = this.#plan;
    return peers === undefined || peers.some((network) => networkContains(network, remote));
  }
}

/**
 * Makes an ident daemon; {@link IdentServer.listen} starts it.
 *
 * @throws IdentError `ERR_SOCKS_BAD_OPTION`.
 */
export function createIdentServer(options: IdentServerOptions = {}): IdentServer {
  return new IdentServer(options);
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there already; stop it or choose another port",
  EACCES:
    "ports below 1024 need a privilege (root, or CAP_NET_BIND_SERVICE); start it with that, or choose a higher port and " +
    "redirect 113 to it",
  EADDRNOTAVAIL: "this host does not have that address",
};

function listenFailed(host: string, port: number, cause: NodeJS.ErrnoException): IdentError {
  const where = formatAddress(parseIpAddress(host, port) as IpAddress);
  const advice = ADVICE[cause.code ?? ""] ?? cause.message;
  const message = `cannot listen on ${where}: ${advice} (${cause.code ?? "no code"})`;
  return new IdentError("ERR_SOCKS_LISTEN_FAILED", message, { side: "local", cause });
}

function ipAddress(host: string | undefined, port: number | undefined): IpAddress | undefined {
  const address = host === undefined ? undefined : parseIpAddress(host, port);
  return address === undefined ? undefined : unmapAddress(address);
}

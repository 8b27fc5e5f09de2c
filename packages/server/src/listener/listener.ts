import net from "node:net";
import { formatAddress, type IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import { remoteAddressOf } from "../socket-address.ts";
import { listenOnUnixSocket, type UnixSocketPlan } from "./unix-socket.ts";

/** Silence after which the first keep-alive probe goes to a client, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;
/** Clients that the system holds for us until we accept them. */
const BACKLOG = 1024;

/** What opens a {@link Listener}. */
export interface ListenerOptions {
  /** Address; port 0 takes a free one. Stands for the Unix socket when there is one. */
  readonly address: IpAddress;
  /** Whether an IPv6 listener leaves IPv4 clients to another one. */
  readonly ipv6Only: boolean;
  /** A Unix socket to listen on instead. */
  readonly unix: UnixSocketPlan | undefined;
  /** Called for each client. */
  readonly onClient: (socket: net.Socket, client: IpAddress) => void;
  /** Called when accepting fails; the listener goes on. */
  readonly onError: (error: ServerError) => void;
}

/** One listening socket. */
export class Listener {
  /** Address and port that it really has. */
  readonly address: IpAddress;
  readonly #server: net.Server;
  readonly #remove: (() => void) | undefined;
  #closeElsewhere: (() => void) | undefined;

  private constructor(server: net.Server, address: IpAddress, remove?: () => void) {
    this.#server = server;
    this.address = address;
    this.#remove = remove;
  }

  /** @throws ServerError `ERR_SOCKS_LISTEN_FAILED`. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const { address, ipv6Only, unix, onClient, onError } = options;
    const server = net.createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    server.on("connection", (socket) => {
      const client = unix === undefined ? remoteAddressOf(socket) : address;
      // The client has left already; the system does not know who it was.
      if (client === undefined) socket.destroy();
      else onClient(socket, client);
    });
    const remove = unix === undefined ? undefined : await listenOnUnixSocket(server, unix, BACKLOG);
    const port = unix === undefined ? await listenOnPort(server, address, ipv6Only) : 0;
    server.on("error", (cause) => {
      onError(new ServerError("ERR_SOCKS_LISTEN_FAILED", `accepting clients fails: ${cause.message}`, { cause }));
    });
    return new Listener(server, { ...address, port }, remove);
  }

  /** Accepts nobody any more. Clients that were accepted stay. */
  close(): void {
    this.#server.close();
    this.#remove?.();
    this.#closeElsewhere?.();
    this.#closeElsewhere = undefined;
  }

  /**
   * Gives the listening socket to somebody else, who accepts its clients from then on; `undefined` when that cannot be done.
   *
   * @param duplicate Gives the descriptor that they are accepted on.
   * @param close Called when this listener is closed.
   */
  detach(duplicate: (server: net.Server) => number | undefined, close: () => void): number | undefined {
    const fd = duplicate(this.#server);
    if (fd === undefined) return undefined;
    this.#server.close();
    this.#closeElsewhere = close;
    return fd;
  }

  /** Takes in a client that was accepted elsewhere, as if it had been here. */
  admit(socket: net.Socket): void {
    this.#server.emit("connection", socket);
  }
}

/** @returns The port that it got. */
function listenOnPort(server: net.Server, address: IpAddress, ipv6Only: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => reject(listenFailed(address, cause));
    server.once("error", failed);
    const host =
      address.type === "ipv6" && address.zone !== undefined ? `${address.host}%${address.zone}` : address.host;
    server.listen({ host, port: address.port, ipv6Only, backlog: BACKLOG }, () => {
      server.off("error", failed);
      resolve((server.address() as net.AddressInfo).port);
    });
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there already; stop it or choose another port",
  EACCES: "this user may not use that port; choose one above 1023, or give the program the right to use it",
  EADDRNOTAVAIL: "this host does not have that address",
};

function listenFailed(address: IpAddress, cause: NodeJS.ErrnoException): ServerError {
  const advice = ADVICE[cause.code ?? ""] ?? cause.message;
  return new ServerError(
    "ERR_SOCKS_LISTEN_FAILED",
    `cannot listen on ${formatAddress(address)}: ${advice} (${cause.code ?? "no code"})`,
    { cause },
  );
}

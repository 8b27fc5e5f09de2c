import net from "node:net";
import type { IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import { openOnFreePort, type PortRange } from "../ports/port-range.ts";
import { remoteAddressOf } from "../socket-address.ts";

/** Silence after which the first keep-alive probe goes to a peer, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

/** A listening socket that takes one connection. */
export class PeerListener {
  readonly #server: net.Server;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /**
   * Opens one on an address of this host.
   *
   * @throws ServerError `ERR_SOCKS_LISTEN_FAILED`.
   */
  static async open(host: string, ports: PortRange | undefined): Promise<PeerListener> {
    try {
      return new PeerListener(await openOnFreePort(ports, (port) => listen(host, port)));
    } catch (cause) {
      if (cause instanceof ServerError) throw cause;
      const { message } = cause as Error;
      throw new ServerError("ERR_SOCKS_LISTEN_FAILED", `cannot listen for a peer on ${host}: ${message}`, { cause });
    }
  }

  /** The port that it has. */
  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Takes the first connection, closes, and hands the connection over; whoever connects later is not answered. */
  accept(onPeer: (socket: net.Socket, peer: IpAddress | undefined) => void, onError: (error: Error) => void): void {
    this.#server.on("error", onError);
    this.#server.once("connection", (socket) => {
      this.close();
      onPeer(socket, remoteAddressOf(socket));
    });
  }

  /** Listens no longer. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }
}

function listen(host: string, port: number): Promise<net.Server> {
  const server = net.createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1, exclusive: true }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

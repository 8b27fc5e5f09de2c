import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { literalOnly } from "../ports/literal-only.ts";
import { openOnFreePort, type PortRange } from "../ports/port-range.ts";

/** Where a datagram socket is bound. */
export interface DatagramSocketOptions {
  readonly type: "udp4" | "udp6";
  /** An address of this host, with its zone. */
  readonly host: string;
  /** Default: the system chooses. */
  readonly ports?: PortRange | undefined;
}

/** What a {@link DatagramSocket} tells its owner. */
export interface DatagramSocketEvents {
  /** A datagram came. */
  readonly onDatagram: (data: Buffer, from: RemoteInfo) => void;
  /** The system refused a datagram that was given to `send`. */
  readonly onUnsent: (error: NodeJS.ErrnoException) => void;
  /** The system reported an error about a datagram sent before (ICMP) or about the socket, or `onDatagram` threw. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

/** What may wait to be sent when the system takes no more. */
const MAX_SEND_QUEUE_LENGTH = 0x40000;

/** A bound UDP socket that sends to addresses only, never to names, and holds a bounded amount. */
export class DatagramSocket {
  readonly #socket: Socket;
  readonly #sent: (error: Error | null) => void;

  private constructor(socket: Socket, events: DatagramSocketEvents) {
    this.#socket = socket;
    this.#sent = (error) => {
      if (error !== null) events.onUnsent(error);
    };
    socket.on("message", (data, from) => {
      // A datagram of a stranger that finds a mistake of ours must not end the process.
      try {
        events.onDatagram(data, from);
      } catch (error) {
        events.onError(error as Error);
      }
    });
    socket.on("error", events.onError);
  }

  /** Opens one; rejects with the system's error, or with ServerError `ERR_SOCKS_LISTEN_FAILED` when no port is free. */
  static open(options: DatagramSocketOptions, events: DatagramSocketEvents): Promise<DatagramSocket> {
    return openOnFreePort(options.ports, (port) => bind(options, port)).then(
      (socket) => new DatagramSocket(socket, events),
    );
  }

  /** The port that it has. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends a datagram of one or two parts to an IP address; false when too much waits already, and it is dropped. */
  send(parts: Uint8Array | readonly Uint8Array[], port: number, host: string): boolean {
    if (this.#socket.getSendQueueSize() > MAX_SEND_QUEUE_LENGTH) return false;
    this.#socket.send(parts as Uint8Array, port, host, this.#sent);
    return true;
  }

  /** Closes it; nothing is told any more. */
  close(): void {
    this.#socket.removeAllListeners();
    this.#socket.on("error", () => undefined);
    this.#socket.close();
  }
}

function bind({ type, host }: DatagramSocketOptions, port: number): Promise<Socket> {
  const socket = createSocket({ type, ipv6Only: type === "udp6", lookup: literalOnly });
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

/** Errors about single datagrams: what routers and hosts answer, and what the system has no room for. */
const DATAGRAM_ERRORS: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "EMSGSIZE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
  "EACCES",
  "EPROTO",
  "ENOPROTOOPT",
  "ETIMEDOUT",
]);

/** Whether an error is about single datagrams, so that the socket goes on. */
export function isAboutDatagram({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && DATAGRAM_ERRORS.has(code);
}

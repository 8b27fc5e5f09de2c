import type { RemoteInfo } from "node:dgram";
import type { Association } from "./association.ts";
import type { DatagramSocket } from "./datagram-socket.ts";

/** Protects datagrams one by one, in their order. */
export interface DatagramProtection {
  /** Protects a datagram; `undefined` when it cannot be sent. */
  seal(datagram: Uint8Array): Promise<Uint8Array | undefined>;
  /** Takes the protection off; `undefined` when it is to be dropped. */
  open(datagram: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The client's side of an association whose datagrams are protected. */
export class ProtectedDatagrams {
  readonly #protection: DatagramProtection;
  readonly #association: Pick<Association, "admits" | "fromClient" | "onMalformed" | "onUnsent" | "onError">;
  #isClosed = false;

  constructor(protection: DatagramProtection, association: Association) {
    this.#protection = protection;
    this.#association = association;
  }

  /** A datagram came where those of the client are awaited. Those of strangers cost nothing. */
  readonly onDatagram = (datagram: Buffer, from: RemoteInfo): void => {
    if (!this.#association.admits(from)) return this.#association.fromClient(datagram, from);
    void this.#protection.open(datagram).then((plain) => {
      if (this.#isClosed) return;
      if (plain === undefined) return this.#association.onMalformed();
      try {
        this.#association.fromClient(Buffer.from(plain.buffer, plain.byteOffset, plain.length), from);
      } catch (error) {
        this.#association.onError(error as Error);
      }
    });
  };

  /** What answers go through. */
  over(socket: Pick<DatagramSocket, "send" | "close">): Pick<DatagramSocket, "send" | "close"> {
    return {
      send: (parts, port, host) => {
        const datagram = parts instanceof Uint8Array ? parts : Buffer.concat(parts);
        void this.#protection.seal(datagram).then((sealed) => {
          if (this.#isClosed) return;
          if (sealed === undefined || !socket.send(sealed, port, host)) this.#association.onUnsent();
        });
        return true;
      },
      close: () => {
        this.#isClosed = true;
        socket.close();
      },
    };
  }
}

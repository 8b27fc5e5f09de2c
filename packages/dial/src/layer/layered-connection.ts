import type { Socket } from "node:net";

/** A connection with a layer over it, put in place in the middle of a handshake. */
export interface LayeredConnection {
  /**
   * Stands in for the connection: plain octets on this side, protected ones on the wire. It owns the connection: ending
   * or destroying it does the same to that. Its addresses may be unknown.
   */
  readonly socket: Socket;
  /** Called once authentication is over, before the SOCKS request, for layers that tell the two apart. */
  readonly authenticated?: (() => void) | undefined;
}

/**
 * Calls that move many datagrams at once, as plain numbers. A result below 0 is an error number, negated.
 *
 * What is received and what is sent are two lists of messages over the same memory: so a datagram goes on from where it was
 * received, with another header or none, and is not copied.
 */
export interface DatagramCalls {
  /** Octets of datagrams: where each of a call lies, `DATAGRAMS` tells. */
  readonly memory: Uint8Array;
  /** Where datagrams came from: `ADDRESS_WORDS` words for each, a `sockaddr_in` or `sockaddr_in6`. */
  readonly sources: Int32Array;
  /** Where datagrams go, in the same way. */
  readonly targets: Int32Array;
  /** `recvmmsg(2)`, non-blocking, of `DATAGRAMS.batch` datagrams at most: how many came. */
  receive(fd: number): number;
  /** Length of a datagram of the last {@link receive}. */
  receivedLength(position: number): number;
  /** Says where the octets of a message to send are, and how long its address in {@link targets} is. */
  put(position: number, offset: number, length: number, addressLength: number): void;
  /** `sendmmsg(2)`, non-blocking, of messages from a position on: how many went. */
  send(fd: number, position: number, count: number): number;
}

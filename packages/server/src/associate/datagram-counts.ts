/**
 * Why a datagram went no further:
 *
 * - `stranger`: it did not come from the client that the association belongs to;
 * - `malformed`: its header cannot be read, or names no destination;
 * - `fragment`: it is part of a sequence that never became whole;
 * - `denied`: the rules do not allow its destination;
 * - `limit`: a rate, a count or the memory for what waits is used up;
 * - `unresolved`: the name of its destination has no address;
 * - `unsolicited`: it came from an address that the client has not written to;
 * - `tooLong`: with its header it does not fit into a datagram;
 * - `unsent`: the system refused to send it;
 * - `upstream`: the upstream that was to carry it does not relay datagrams, or does not work.
 */
export type DropReason =
  | "stranger"
  | "malformed"
  | "fragment"
  | "denied"
  | "limit"
  | "unresolved"
  | "unsolicited"
  | "tooLong"
  | "unsent"
  | "upstream";

/** What became of the datagrams of an association. */
export interface DatagramCounts {
  /** Taken from the client and sent on. */
  readonly in: number;
  /** Taken from destinations and sent to the client. */
  readonly out: number;
  /** Dropped, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Errors that the system reported about datagrams sent before, such as a port where nobody listens (ICMP). */
  readonly errors: number;
}

/** All that were dropped. */
export function droppedCount({ dropped }: DatagramCounts): number {
  let count = 0;
  for (const some of Object.values(dropped)) count += some;
  return count;
}

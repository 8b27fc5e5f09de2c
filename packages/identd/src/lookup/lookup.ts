import type { IpAddress } from "@sockskit/wire";

/** A connection whose owner is asked for. Addresses are never IPv4-mapped. */
export interface IdentConnection {
  /** The end at this host. */
  readonly local: IpAddress;
  /** The end at the host that asks. */
  readonly remote: IpAddress;
}

/** Who owns a connection. At least one of the two is there. */
export interface IdentOwner {
  /** Name of the user. */
  readonly name?: string;
  /** Number of the user. */
  readonly uid?: number;
}

/**
 * Finds the owner of a connection; `undefined` when there is no such connection, or nobody that owns it. All four of
 * addresses and ports must fit: whoever asks learns only of connections to themselves. What it throws is answered
 * `UNKNOWN-ERROR`.
 */
export type IdentLookup = (connection: IdentConnection) => IdentOwner | undefined | Promise<IdentOwner | undefined>;

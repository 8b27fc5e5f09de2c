import type { IpAddress } from "@sockskit/wire";

/** @internal Flows of one relay at most: as many as an association remembers destinations. */
export const MAX_FLOWS = 1024;
/** Datagrams that may be on their way to the owner, or from it. More are dropped: they are not worth memory. */
export const MAX_UNDER_WAY = 64;

/** Positions of the figures of a relay, in memory that both sides see. */
export const FIGURE = {
  in: 0,
  out: 1,
  bytesIn: 2,
  bytesOut: 3,
  stranger: 4,
  limit: 5,
  tooLong: 6,
  unsent: 7,
  errors: 8,
  /** Datagrams that the thread gave to the owner, and those that the owner took. */
  given: 9,
  taken: 10,
  /** Datagrams that the owner wants sent, and those that the thread has done so with. */
  ordered: 11,
  done: 12,
} as const;
/** How many there are. */
export const FIGURE_COUNT = 13;

/** @internal What goes from a client to a destination and back without a question, because the owner has decided on it. */
export interface FlowPlan {
  /** A number below `MAX_FLOWS`, of no other flow of this relay. */
  readonly slot: number;
  /** What a datagram of the client begins with, whole: RSV, FRAG, ATYP, DST.ADDR, DST.PORT. */
  readonly header: Uint8Array;
  /** Where its data goes, and where answers come from. */
  readonly address: IpAddress;
  /** What stands before answers. */
  readonly answerHeader: Uint8Array;
  /** Where the client sends from: nobody else is listened to from now on. */
  readonly client: IpAddress;
}

/** @internal The sockets of a relay: the one for its client, and those for destinations, by IP version. */
export type RelaySide = "client" | "ipv4" | "ipv6";

/** What a thread is told about a relay. */
export type RelayOrder =
  | {
      readonly type: "open";
      readonly fd: number;
      readonly figures: Float64Array;
      /** A 1 for each flow that something was relayed on since the owner looked. */
      readonly used: Uint8Array;
    }
  | { readonly type: "reach"; readonly side: "ipv4" | "ipv6"; readonly fd: number }
  | { readonly type: "flow"; readonly flow: FlowPlan }
  | { readonly type: "forget"; readonly slot: number }
  | { readonly type: "send"; readonly side: RelaySide; readonly data: Uint8Array; readonly to: IpAddress }
  | { readonly type: "close" };

/** What a thread says about a relay. */
export type RelayReport =
  | { readonly type: "datagram"; readonly side: RelaySide; readonly data: Uint8Array; readonly from: IpAddress }
  | { readonly type: "error"; readonly errno: number }
  /** A socket cannot be watched, and is closed. */
  | { readonly type: "unwatched"; readonly errno: number };

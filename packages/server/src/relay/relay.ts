import type { Socket } from "node:net";
import type { DatagramCounts } from "../associate/datagram-counts.ts";
import type { DeadlineLane, LaneEntry } from "../limits/deadline-lane.ts";
import type { RateBucket } from "../limits/rate-bucket.ts";

/** Two connected ends and what holds between them. */
export interface TunnelOptions {
  /** The client's connection. */
  readonly client: Socket;
  /** The connection to the destination. */
  readonly target: Socket;
  /** What the client sent behind its request: goes to the destination first. */
  readonly early: Uint8Array | undefined;
  /** Limits both directions together, when there is a rate. */
  readonly bucket: RateBucket | undefined;
  /** How long it may carry nothing, in milliseconds. */
  readonly idleMs: number;
  /** Asks the tunnel now and then whether it is idle. */
  readonly idleLane: DeadlineLane<LaneEntry>;
  /** Called once, when both connections are closed. */
  readonly onEnd: (end: TunnelEnd) => void;
}

/** How a tunnel ended. */
export interface TunnelEnd {
  readonly reason: "finished" | "client-reset" | "target-reset" | "idle" | "server-closed";
  /** Code of the system's error that ended it. */
  readonly code?: string;
}

/** How much was moved for a client. */
export interface Traffic {
  /** Bytes from the client, sent on. */
  readonly bytesIn: number;
  /** Bytes from destinations, sent on. */
  readonly bytesOut: number;
  /** Datagrams, when it is datagrams that were moved. */
  readonly datagrams?: DatagramCounts;
}

/** Nothing was moved. */
export const NO_TRAFFIC: Traffic = { bytesIn: 0, bytesOut: 0 };

/** A tunnel that carries data. */
export interface Tunnel extends Traffic {
  /** Ends it at once; both sides see a reset, because data may be lost. */
  abort(): void;
}

/** Moves data between two connections until both directions have ended. */
export interface Relay {
  /** Name of the engine. */
  readonly name: "portable";
  /** Takes both connections over, with nobody else listening to them. */
  start(options: TunnelOptions): Tunnel;
}

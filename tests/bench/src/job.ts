/** What the load generator does with its tunnels. */
export type Mode = "tunnels" | "download" | "both-ways" | "round-trips";

/** One measurement. */
export interface Job {
  /** What to do. */
  readonly mode: Mode;
  /** Loopback port of the SOCKS server; `0` goes to the target directly. */
  readonly proxyPort: number;
  /** Loopback port of the target. */
  readonly targetPort: number;
  /** How many tunnels are open at a time. */
  readonly tunnels: number;
  /** How long it is measured, in seconds, after a warm-up of a quarter of that. */
  readonly seconds: number;
}

/** What was measured. */
export interface Outcome {
  /** How much was done: tunnels, bytes or round trips. */
  readonly units: number;
  /** In how many seconds. */
  readonly seconds: number;
  /** Median of the latency of one unit, in microseconds; `0` for bytes. */
  readonly medianUs: number;
  /** Tunnels that failed. */
  readonly failed: number;
}

/** What the generator tells its parent. */
export type Report =
  | { readonly type: "measuring" }
  | { readonly type: "done"; readonly outcome: Outcome }
  | { readonly type: "idle"; readonly open: number; readonly failed: number }
  | { readonly type: "closed" };

/** What the parent asks of the generator. */
export type Order =
  | { readonly type: "run"; readonly job: Job }
  | { readonly type: "open"; readonly proxyPort: number; readonly targetPort: number; readonly tunnels: number }
  | { readonly type: "close" };

/** First octet of a connection, which tells the target what it is for. */
export const KIND = { echo: 0x45, source: 0x53, both: 0x42 } as const;

/** What the datagram generator does: sends as much as goes, or keeps some round trips going. */
export type DatagramMode = "flood" | "round-trips";

/** One measurement. */
export interface DatagramJob {
  /** What to do. */
  readonly mode: DatagramMode;
  /** Loopback port of the SOCKS server; `0` goes to the target directly. */
  readonly proxyPort: number;
  /** Loopback UDP port of the target. */
  readonly targetPort: number;
  /** Bytes of data in each datagram. */
  readonly length: number;
  /** Datagrams per second of a flood; `0` is as many as go. */
  readonly rate: number;
  /** Round trips that are going on at a time. */
  readonly window: number;
}

/** What the parent asks of the generator: to begin, what it has counted since it was asked last, to end. */
export type DatagramOrder =
  | { readonly type: "start"; readonly job: DatagramJob }
  | { readonly type: "count" }
  | { readonly type: "stop" };

/** What the generator answers. */
export type DatagramReport =
  | { readonly type: "started" }
  | { readonly type: "count"; readonly sent: number; readonly received: number }
  | { readonly type: "stopped" };

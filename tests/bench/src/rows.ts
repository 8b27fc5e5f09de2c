import type { Mode } from "./job.ts";

/** One thing that is measured of every server. */
export interface BenchRow {
  /** Name, for `--only`. */
  readonly name: string;
  /** What is measured, for tables. */
  readonly title: string;
  /** What the generator does. */
  readonly mode: Mode;
  /** With how many tunnels at a time. */
  readonly tunnels: number;
  /** Unit of the rate, and what one unit of the outcome counts in it. */
  readonly rate: { readonly unit: string; readonly scale: number };
  /** Unit of the processor time, and how many units of the outcome it is for. */
  readonly cost: { readonly unit: string; readonly per: number; readonly scale: number };
}

const PER_TUNNEL = { unit: "µs CPU per tunnel", per: 1, scale: 1e6 } as const;
const PER_GIGABYTE = { unit: "ms CPU per GB", per: 1e9, scale: 1e3 } as const;
const PER_ROUND_TRIP = { unit: "µs CPU per round trip", per: 1, scale: 1e6 } as const;

/** Everything that is measured under load. */
export const BENCH_ROWS: readonly BenchRow[] = [
  {
    name: "tunnels",
    title: "open a tunnel, send and receive 1 byte, close; 32 at a time",
    mode: "tunnels",
    tunnels: 32,
    rate: { unit: "tunnels/s", scale: 1 },
    cost: PER_TUNNEL,
  },
  {
    name: "download-1",
    title: "1 stream down",
    mode: "download",
    tunnels: 1,
    rate: { unit: "MB/s", scale: 1e-6 },
    cost: PER_GIGABYTE,
  },
  {
    name: "both-ways-16",
    title: "16 streams, both ways",
    mode: "both-ways",
    tunnels: 16,
    rate: { unit: "MB/s", scale: 1e-6 },
    cost: PER_GIGABYTE,
  },
  {
    name: "round-trips-1",
    title: "64 bytes there and back, 1 tunnel",
    mode: "round-trips",
    tunnels: 1,
    rate: { unit: "round trips/s", scale: 1 },
    cost: PER_ROUND_TRIP,
  },
  {
    name: "round-trips-32",
    title: "64 bytes there and back, 32 tunnels",
    mode: "round-trips",
    tunnels: 32,
    rate: { unit: "round trips/s", scale: 1 },
    cost: PER_ROUND_TRIP,
  },
];

/** Tunnels that stand open, unused, when memory is measured: the difference between the two counts. */
export const IDLE_TUNNELS = { few: 500, many: 4500 } as const;

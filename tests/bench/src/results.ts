import type { BenchRow } from "./rows.ts";
import type { IdleSample, Sample } from "./measure.ts";

/** Everything that was measured of one server. */
export interface ServerResults {
  /** Name and version. */
  readonly title: string;
  /** Whether it is no server, but the direct way to the target. */
  readonly direct: boolean;
  /** Samples of each row, one per round, by the row's name. */
  readonly samples: Map<string, Sample[]>;
  /** Memory of idle tunnels, when it was measured. */
  idle?: IdleSample | undefined;
}

/** The medians of one row and server, in the row's units. */
export interface Figures {
  /** How much per second. */
  readonly rate: number;
  /** Processor time of the server per unit; `undefined` where it cannot be known. */
  readonly cost: number | undefined;
  /** Median latency in microseconds; `0` where there is none. */
  readonly medianUs: number;
  /** Tunnels that failed, over all rounds. */
  readonly failed: number;
}

/** Medians over the rounds; `undefined` when nothing was measured. */
export function figures(row: BenchRow, { samples }: ServerResults): Figures | undefined {
  const list = samples.get(row.name) ?? [];
  if (list.length === 0) return undefined;
  const costs = list.map(({ cpuPerUnit }) => cpuPerUnit).filter((cost) => cost !== undefined);
  return {
    rate: median(list.map(({ units, seconds }) => units / seconds)) * row.rate.scale,
    cost: costs.length === 0 ? undefined : median(costs) * row.cost.per * row.cost.scale,
    medianUs: median(list.map(({ medianUs }) => medianUs)),
    failed: list.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

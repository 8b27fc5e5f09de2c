import * as echarts from "echarts";
import { figures, type ServerResults } from "./results.ts";
import type { BenchRow } from "./rows.ts";

interface Panel {
  readonly title: string;
  readonly values: readonly (number | undefined)[];
}

const WIDTH = 920;
const PANEL_HEIGHT = 190;
const LABEL_WIDTH = 190;
const OURS = "#2f6feb";
const OTHERS = "#9aa4b2";
// Readable on light and dark pages.
const TEXT = "#768390";

/** Bars of every rate: longer is better. */
export function rateChart(rows: readonly BenchRow[], servers: readonly ServerResults[]): string {
  const panels = rows.map((row) => ({
    title: `${row.rate.unit}: ${row.title}`,
    values: servers.map((server) => figures(row, server)?.rate),
  }));
  return draw("Longer is better", panels, servers);
}

/** Bars of what the servers use: shorter is better. */
export function costChart(rows: readonly BenchRow[], servers: readonly ServerResults[]): string {
  const real = servers.filter(({ direct }) => !direct);
  const panels: Panel[] = rows.map((row) => ({
    title: `${row.cost.unit}: ${row.title}`,
    values: real.map((server) => figures(row, server)?.cost),
  }));
  if (real.some(({ idle }) => idle !== undefined)) {
    panels.push({
      title: "bytes per tunnel: memory of idle tunnels",
      values: real.map(({ idle }) => idle?.bytesPerTunnel),
    });
  }
  return draw("Shorter is better", panels, real);
}

function draw(heading: string, panels: readonly Panel[], servers: readonly ServerResults[]): string {
  const height = 40 + Math.ceil(panels.length / 2) * PANEL_HEIGHT;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  const names = servers.map(({ title }) => title);
  const place = (index: number): { left: number; top: number } => ({
    left: index % 2 === 0 ? 0 : WIDTH / 2,
    top: 40 + Math.floor(index / 2) * PANEL_HEIGHT,
  });
  chart.setOption({
    animation: false,
    backgroundColor: "transparent",
    title: [
      { text: heading, left: 0, top: 0, textStyle: { fontSize: 15, color: TEXT } },
      ...panels.map(({ title }, index) => ({
        text: title,
        ...place(index),
        textStyle: { fontSize: 11, fontWeight: "normal", color: TEXT },
      })),
    ],
    grid: panels.map((_, index) => ({
      left: place(index).left + LABEL_WIDTH + 10,
      top: place(index).top + 24,
      width: WIDTH / 2 - LABEL_WIDTH - 80,
      height: PANEL_HEIGHT - 44,
    })),
    xAxis: panels.map((_, gridIndex) => ({ gridIndex, type: "value", show: false })),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: "category",
      data: names,
      inverse: true,
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: TEXT, fontSize: 11, width: LABEL_WIDTH, overflow: "truncate" },
    })),
    series: panels.map(({ values }, index) => ({
      type: "bar",
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: "62%",
      label: {
        show: true,
        position: "right",
        color: TEXT,
        fontSize: 11,
        formatter: ({ value }: { value?: unknown }) => label(value),
      },
      data: values.map((value, server) => ({
        value: value ?? null,
        itemStyle: { color: servers[server]?.title.startsWith("sockskit") === true ? OURS : OTHERS },
      })),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function label(value: unknown): string {
  if (typeof value !== "number") return "";
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

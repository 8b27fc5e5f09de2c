import { readFileSync } from "node:fs";
import { cpus, release, type } from "node:os";
import { figures, type ServerResults } from "./results.ts";
import type { BenchRow } from "./rows.ts";

/** One Markdown table per row, and one for memory. */
export function formatTables(rows: readonly BenchRow[], servers: readonly ServerResults[]): string {
  const parts = rows.map((row) => formatRow(row, servers));
  const idle = servers.filter((server) => server.idle !== undefined);
  if (idle.length > 0) {
    parts.push(
      [
        "### Memory of a tunnel in which nothing happens",
        "",
        "| Server | bytes per tunnel | tunnels open |",
        "|---|--:|--:|",
        ...idle.map(
          ({ title, idle: sample }) => `| ${title} | ${round(sample?.bytesPerTunnel ?? 0)} | ${sample?.tunnels ?? 0} |`,
        ),
      ].join("\n"),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

/** The machine, in one line. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${cpus().length} × ${model}, ${memorySize()}${type()} ${release()}, Node ${process.version}, loopback`;
}

function memorySize(): string {
  try {
    const kilobytes = Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1]);
    return `${Math.round(kilobytes / 1024 / 1024)} GiB, `;
  } catch {
    return "";
  }
}

function formatRow(row: BenchRow, servers: readonly ServerResults[]): string {
  const latency = row.mode === "tunnels" || row.mode === "round-trips";
  const lines = servers.flatMap((server) => {
    const found = figures(row, server);
    if (found === undefined) return [];
    const { rate, cost, medianUs, failed } = found;
    const cells = [round(rate), ...(latency ? [round(medianUs)] : []), cost === undefined ? "" : round(cost)];
    return [`| ${server.title}${failed === 0 ? "" : ` (${failed} tunnels failed)`} | ${cells.join(" | ")} |`];
  });
  return [
    `### ${row.title}`,
    "",
    `| Server | ${row.rate.unit} |${latency ? " median µs |" : ""} ${row.cost.unit} |`,
    `|---|--:|${latency ? "--:|" : ""}--:|`,
    ...lines,
  ].join("\n");
}

/** Three significant digits say all that a noisy machine knows. */
function round(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value >= 1000 ? String(Number(value.toPrecision(3))) : value.toFixed(Math.min(digits, 2));
}

import { CHECKS, type Check, type Row } from "./row.ts";
import type { Result } from "./runner.ts";
import { describeTool, toolTitle, type Tool } from "./tools.ts";

const WORDS = { passed: "ok", failed: "FAILED", skipped: "skipped" } as const;

/** One line for people, with the reason and the peers' logs when a row failed. */
export function formatResult({ row, outcome, tookMs, remark, log }: Result): string {
  const line = `${WORDS[outcome].padEnd(8)}${rowName(row)}${outcome === "skipped" ? "" : ` (${Math.round(tookMs)} ms)`}`;
  const more = remark === "" ? "" : outcome === "failed" ? `\n    ${remark.replaceAll("\n", "\n    ")}` : `: ${remark}`;
  return `${line}${more}${log === "" ? "" : `\n    ${log.replaceAll("\n", "\n    ")}`}`;
}

/** What a row is called on the command line and in the output. */
export function rowName({ tool, role, scheme, auth, variant, check }: Row): string {
  const who = role === "client" ? `${toolTitle(tool)} -> sockskitd` : `sockskit -> ${toolTitle(tool)}`;
  return [who, scheme === "any" ? "" : scheme, auth === "none" ? "" : auth, variant ?? "", check]
    .filter((word) => word !== "")
    .join(" | ");
}

/** The tables of `docs/interop.md`: one line per combination, one column per check. */
export async function formatTables(results: readonly Result[]): Promise<string> {
  const parts: string[] = [];
  for (const [role, title] of [
    ["client", "Programs that connect through `sockskitd`"],
    ["server", "Servers that `@sockskit/client` and `sockskit` connect through"],
  ] as const) {
    const mine = results.filter(({ row }) => row.role === role);
    parts.push(`### ${title}\n`, `${await formatTable(mine)}\n`);
  }
  parts.push(
    "### What `sockskit probe` says\n",
    `${await formatFindings(results.filter(({ row }) => row.check === "probe"))}\n`,
  );
  parts.push(
    "### What `auto://` finds\n",
    `${await formatFindings(results.filter(({ row }) => row.check === "auto"))}\n`,
  );
  return parts.join("\n");
}

async function formatTable(results: readonly Result[]): Promise<string> {
  const checks: Check[] = [...CHECKS].filter((check) => results.some(({ row }) => row.check === check));
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { tool, scheme, auth, variant = "", check } = result.row;
    if (!checks.includes(check)) continue;
    const key = JSON.stringify([tool, scheme, auth, variant]);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const remarks: string[] = [];
  const lines = [
    `| Program | Scheme | Authentication | ${checks.join(" | ")} |`,
    `|---|---|---|${checks.map(() => ":-:|").join("")}`,
  ];
  for (const [key, group] of groups) {
    const [tool, scheme, auth, variant] = JSON.parse(key) as [Tool, string, string, string];
    const { program, version } = await describeTool(tool);
    const cells = checks.map((check) =>
      cell(
        group.find(({ row }) => row.check === check),
        remarks,
      ),
    );
    lines.push(
      `| ${program} ${version} | \`${scheme}\`${variant === "" ? "" : `, ${variant}`} | ${auth} | ${cells.join(" | ")} |`,
    );
  }
  return [
    ...lines,
    ...(remarks.length > 0 ? [""] : []),
    ...remarks.map((remark, index) => `${index + 1}. ${remark}`),
  ].join("\n");
}

async function formatFindings(results: readonly Result[]): Promise<string> {
  const lines: string[] = [];
  for (const { row, outcome, remark } of results) {
    const { program, version } = await describeTool(row.tool);
    const notes = [row.auth === "none" ? "" : row.auth, row.variant ?? ""].filter((note) => note !== "");
    const who = [row.tool === "sockskitd" ? program : `${program} ${version}`, ...notes].join(", ");
    lines.push(`| ${who} | ${outcome === "passed" ? remark : outcome} |`);
  }
  return ["| Server | Findings |", "|---|---|", ...lines].join("\n");
}

function cell(result: Result | undefined, remarks: string[]): string {
  if (result === undefined) return "";
  if (result.outcome !== "passed") return result.outcome === "failed" ? "no" : "not run";
  if (result.remark === "") return "yes";
  if (!remarks.includes(result.remark)) remarks.push(result.remark);
  return `(${remarks.indexOf(result.remark) + 1})`;
}

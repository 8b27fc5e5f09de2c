// Draws the transition tables. Run by Node it writes them into docs/handshake.md; the test of the same name compares.
import { readFileSync, writeFileSync } from "node:fs";
import { CLIENT_TRANSITIONS } from "../src/client-transitions.ts";
import { SERVER_TRANSITIONS } from "../src/server-transitions.ts";

/** The page that shows the diagrams. */
export const PAGE = new URL("../../../docs/handshake.md", import.meta.url);

type Table = Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>;

const TABLES: Readonly<Record<string, Table>> = { server: SERVER_TRANSITIONS, client: CLIENT_TRANSITIONS };

/** A Mermaid state diagram of a table, one arrow per pair of states. */
export function stateDiagram(table: Table): string {
  const lines = ["stateDiagram-v2", "    [*] --> start"];
  for (const [state, row] of Object.entries(table)) {
    const byTarget = new Map<string, string[]>();
    for (const [transition, target] of Object.entries(row)) {
      if (target !== undefined) byTarget.set(target, [...(byTarget.get(target) ?? []), transition]);
    }
    for (const [target, transitions] of byTarget) lines.push(`    ${state} --> ${target}: ${transitions.join(", ")}`);
  }
  return lines.join("\n");
}

/** The page with each diagram between its two marks replaced. */
export function withDiagrams(page: string): string {
  return Object.entries(TABLES).reduce((text, [machine, table]) => {
    const [begin, end] = [`<!-- states of the ${machine} -->`, `<!-- end of the ${machine} -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new TypeError(`docs/handshake.md has no ${begin} ... ${end}`);
    const block = `\n\n\`\`\`mermaid\n${stateDiagram(table)}\n\`\`\`\n\n`;
    return text.slice(0, from + begin.length) + block + text.slice(to);
  }, page);
}

if (import.meta.main) writeFileSync(PAGE, withDiagrams(readFileSync(PAGE, "utf8")));

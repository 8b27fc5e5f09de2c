// The files that are generated, wholly or in part, and what should be in them.
import { resolve } from "node:path";
import { jsonSchema, referenceTables } from "./reference.ts";

const BEGIN = "<!-- generated from the schema; do not edit between these lines -->";
const END = "<!-- end of what is generated -->";

/** Path of the JSON Schema. */
export const schemaPath: string = resolve(import.meta.dirname, "../sockskitd.schema.json");
/** Path of the page with the tables. */
export const documentPath: string = resolve(import.meta.dirname, "../../../docs/configuration.md");

/** Text of the JSON Schema file. */
export function writtenSchema(): string {
  return `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
}

/** The page with new tables between its two marks. */
export function withTables(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new TypeError(`the page lacks "${BEGIN}" or "${END}"`);
  return `${before}${BEGIN}\n\n${referenceTables(jsonSchema())}\n${END}${after}`;
}

// Writes sockskitd.schema.json and the generated part of docs/configuration.md: `pnpm --filter sockskitd reference`.
import { readFileSync, writeFileSync } from "node:fs";
import { documentPath, schemaPath, withTables, writtenSchema } from "./reference-files.ts";

writeFileSync(schemaPath, writtenSchema());
writeFileSync(documentPath, withTables(readFileSync(documentPath, "utf8")));

// What is generated from the configuration's schema: the JSON Schema for editors and the tables of the docs.
import * as z from "zod";
import { configSchema } from "../src/config/schema.ts";

/** The parts of a JSON Schema that occur here. */
export interface JsonSchema {
  $schema?: string;
  $id?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: JsonSchema | boolean;
  toCome?: boolean;
}

/** The JSON Schema of the configuration file. Keys that are not supported yet are not in it. */
export function jsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return { ...withoutComing(schema), title: "Configuration of sockskitd" };
}

function withoutComing(schema: JsonSchema): JsonSchema {
  const result = { ...schema };
  if (schema.properties !== undefined) {
    const supported = Object.entries(schema.properties).filter(([, value]) => value.toCome !== true);
    result.properties = Object.fromEntries(supported.map(([key, value]) => [key, withoutComing(value)]));
  }
  if (schema.items !== undefined) result.items = withoutComing(schema.items);
  if (typeof schema.additionalProperties === "object") {
    result.additionalProperties = withoutComing(schema.additionalProperties);
  }
  if (schema.anyOf !== undefined) result.anyOf = schema.anyOf.map(withoutComing);
  return result;
}

/** Markdown: one section for each key of the file, with a table of what is in it. */
export function referenceTables(schema: JsonSchema): string {
  const sections = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const about = value.properties === undefined ? [] : [value.description ?? "", ""];
    const head = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"];
    return [`### ${key}`, "", ...about, ...head, ...rowsOf(key, value)].join("\n");
  });
  return sections.join("\n\n");
}

function rowsOf(path: string, schema: JsonSchema): string[] {
  if (schema.properties !== undefined) return rowsOfMap(path, schema.properties);
  if (typeof schema.additionalProperties === "object") {
    const named = rowsOf(`${path}.NAME`, schema.additionalProperties);
    return [row(path, { ...schema, title: "map of names" }), ...named];
  }
  const inside = mapInside(schema, "");
  return [row(path, schema), ...(inside === undefined ? [] : rowsOfMap(`${path}${inside.way}`, inside.properties))];
}

/** The map that a list holds, also one of lists, or that is one of several forms. */
function mapInside(
  { properties, items, anyOf = [] }: JsonSchema,
  way: string,
): { readonly way: string; readonly properties: Record<string, JsonSchema> } | undefined {
  if (properties !== undefined) return { way, properties };
  if (items !== undefined) return mapInside(items, `${way}[]`);
  return anyOf.map((form) => (form.items === undefined ? mapInside(form, way) : undefined)).find((map) => map);
}

function rowsOfMap(path: string, properties: Record<string, JsonSchema>): string[] {
  const seen = new Map<string, string>();
  return Object.entries(properties).flatMap(([key, value]) => {
    const inside = JSON.stringify(value.properties ?? key);
    const twin = seen.get(inside);
    seen.set(inside, key);
    if (twin !== undefined) return [row(`${path}.${key}`, { ...value, title: `map, as \`${twin}\``, properties: {} })];
    const about =
      value.properties === undefined || value.description === undefined ? [] : [row(`${path}.${key}`, value)];
    return [...about, ...rowsOf(`${path}.${key}`, value)];
  });
}

function row(path: string, schema: JsonSchema): string {
  const cells = [`\`${path}\``, kindOf(schema), defaultOf(schema), (schema.description ?? "").replaceAll("|", "\\|")];
  return `| ${cells.join(" | ")} |`;
}

function kindOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.items !== undefined) return `list: ${kindOf(schema.items)}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(kindOf).join(" or ");
  return schema.title ?? (schema.properties === undefined ? String(schema.type) : "map");
}

function defaultOf({ default: value }: JsonSchema): string {
  if (value === undefined || (typeof value === "object" && Object.keys(value as object).length === 0)) return "";
  return `\`${Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value).replaceAll('"', "")}\``;
}

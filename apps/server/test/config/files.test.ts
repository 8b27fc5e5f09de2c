import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "@sockskit/server";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { documentPath, schemaPath, withTables, writtenSchema } from "../../scripts/reference-files.ts";
import { loadConfig } from "../../src/config/load.ts";
import { printConfig } from "../../src/config/print.ts";
import { loadText } from "./load-text.ts";

const examplePath = resolve(import.meta.dirname, "../../sockskitd.example.yaml");

test("the example is a configuration, and names every key", async () => {
  const { config } = await loadConfig(examplePath, {});
  expect(config.rules).toHaveLength(7);
  const example = parse(readFileSync(examplePath, "utf8")) as object;
  const schema = JSON.parse(writtenSchema()) as { properties: object };
  expect(Object.keys(example)).toEqual(Object.keys(schema.properties));
});

test("the JSON Schema is the one of the code (write it anew: pnpm --filter sockskitd reference)", () => {
  expect(JSON.parse(readFileSync(schemaPath, "utf8"))).toEqual(JSON.parse(writtenSchema()));
});

test("the tables of docs/configuration.md are those of the code (write them anew: pnpm --filter sockskitd reference)", () => {
  const page = readFileSync(documentPath, "utf8");
  expect(page).toBe(withTables(page));
});

test("docs/policy.md shows the default rules as they are", async () => {
  const page = readFileSync(resolve(documentPath, "../policy.md"), "utf8");
  const shown = page.split("## Without rules")[1]?.split("```")[1]?.replace(/^yaml/u, "") ?? "";
  const printed = printConfig(await loadText(""));
  expect((parse(shown) as { rules: unknown }).rules).toEqual((parse(printed) as { rules: unknown }).rules);
});

test("the defaults are those of the server", async () => {
  const { options } = await loadText("");
  expect(DEFAULT_TIMEOUTS).toMatchObject(options.timeouts ?? {});
  expect(DEFAULT_LIMITS).toMatchObject(options.limits ?? {});
});

test("what check prints is YAML that means the same", async () => {
  const text = readFileSync(examplePath, "utf8");
  const loaded = await loadText(text);
  const printed = printConfig(loaded);
  const hash = (loaded.users[0]?.password ?? "") as string;
  expect(printed).not.toContain(hash);
  const again = await loadText(printed.replace("password: (hidden)", `password: "${hash}"`));
  expect(again.config).toEqual(loaded.config);
  expect(again.options).toEqual({ ...loaded.options, authMethods: ["userpass"] });
});

test("so are the defaults", async () => {
  const again = await loadText(printConfig(await loadText("")));
  expect(again.config).toMatchObject({ auth: { methods: ["none"] }, allowOpenProxy: false });
  expect(again.config.rules).toHaveLength(5);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ConfigFlags } from "../../src/config/flags.ts";
import { type LoadedConfig, loadConfig } from "../../src/config/load.ts";
import { ConfigError, formatProblem } from "../../src/config/problem.ts";

/** A folder with these files, gone after the test. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = mkdtempSync(join(tmpdir(), "sockskitd-config-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** Loads a configuration from its text. */
export function loadText(text: string | Uint8Array, flags: ConfigFlags = {}): Promise<LoadedConfig> {
  return loadConfig(join(folderWith({ "c.yaml": text }), "c.yaml"), flags);
}

/** The mistakes of a configuration, without the folder of the file. */
export async function problemsOf(text: string | Uint8Array, flags: ConfigFlags = {}): Promise<readonly string[]> {
  try {
    await loadText(text, flags);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem(problem).replaceAll(/\S*\/(?=c\.yaml)/gu, ""));
  }
}

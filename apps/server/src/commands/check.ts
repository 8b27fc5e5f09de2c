import { chooseEngine } from "@sockskit/server";
import type { ConfigFlags } from "../config/flags.ts";
import { checkKeytabs } from "../config/gssapi.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { printConfig } from "../config/print.ts";

/** `sockskitd check`: prints the configuration that would be in effect. */
export async function check(file: string | undefined, flags: ConfigFlags): Promise<void> {
  const loaded = await loadConfig(file, flags);
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  await checkKeytabs(loaded.options, file ?? "the command line");
  const engine = await chooseEngine(loaded.config.engine);
  process.stdout.write(printConfig(loaded, engine));
}

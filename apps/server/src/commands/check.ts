import type { ConfigFlags } from "../config/flags.ts";
import { loadConfig } from "../config/load.ts";
import { printConfig } from "../config/print.ts";

/** `sockskitd check`: prints the configuration that would be in effect. */
export async function check(file: string | undefined, flags: ConfigFlags): Promise<void> {
  process.stdout.write(printConfig(await loadConfig(file, flags)));
}

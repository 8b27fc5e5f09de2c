import { readFileSync } from "node:fs";

import { CliError, reasonOf } from "./cli-error.ts";

/**
 * Certificates or a key, from a file.
 *
 * @throws CliError `ERR_SOCKS_FILE`.
 */
export function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError("ERR_SOCKS_FILE", `cannot read ${file}: ${reasonOf(error)}`, error);
  }
}

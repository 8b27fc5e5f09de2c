import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../harness/process.ts";

/** Where programs are kept between runs, and for the next clone, that take long to be had. */
const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sockskit");
const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));
/** Compiling Dante takes three minutes on a small machine. */
const BUILD_TIMEOUT_MS = 480_000;

/** A program that the suite had to make, or why there is none. */
export type MadeProgram = { readonly folder: string } | { readonly problem: string };

/** Dante with GSS-API, as server (`sbin/sockd`) and as client (`lib/libdsocks.so`). */
export function danteWithGssapi(): Promise<MadeProgram> {
  return make("dante-gssapi", "dante-with-gssapi.sh");
}

/** A curl that can log in with GSS-API (`curl`). */
export function newerCurl(): Promise<MadeProgram> {
  return make("newer-curl", "newer-curl.sh");
}

async function make(name: string, script: string): Promise<MadeProgram> {
  const folder = join(CACHE, name);
  if (existsSync(join(folder, "ready"))) return { folder };
  // Nobody waits minutes for a program that was not asked for.
  if (process.env["CI"] !== "true")
    return { problem: `not built; tests/interop/scripts/${script} ${folder} does that` };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const argv = ["bash", join(SCRIPTS, script), folder];
  const ended = await runToEnd({ argv }, { timeoutMs: BUILD_TIMEOUT_MS }).catch((error: unknown) => ({
    status: 1,
    stdout: Buffer.alloc(0),
    stderr: String(error),
  }));
  const log = join(folder, "build.log");
  await writeFile(log, Buffer.concat([ended.stdout, Buffer.from(ended.stderr)]));
  if (ended.status === 0) return { folder };
  const last = ended.stderr.trim().split("\n").slice(-2).join("; ");
  return { problem: `${script} failed: ${last} (all of it: ${log})` };
}

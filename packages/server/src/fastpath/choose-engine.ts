import type * as FastpathModule from "@sockskit/fastpath";
import { ServerError } from "../errors.ts";
import type { ServerOptions } from "../options.ts";

/** The module `@sockskit/fastpath`, which need not be installed. */
export type Fastpath = typeof FastpathModule;

/** What serves the clients, and why it is that. */
export interface EngineChoice {
  /** Its name, as the option `engine` knows it. */
  readonly name: "portable" | "fastpath";
  /** Why, for people: it was asked for, it can run here, or why the fast path cannot. */
  readonly reason: string;
}

/** The module, or why it cannot be used here. */
export async function loadFastpath(): Promise<Fastpath | string> {
  let fastpath: Fastpath;
  try {
    fastpath = await import("@sockskit/fastpath");
  } catch (error) {
    return `the package @sockskit/fastpath cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
  return fastpath.dataPlaneProblem() ?? fastpath;
}

/**
 * What a server with this option would run on here.
 *
 * @throws ServerError `ERR_SOCKS_ENGINE`: `"fastpath"` is asked for and cannot run here.
 */
export async function chooseEngine(wanted: NonNullable<ServerOptions["engine"]>): Promise<EngineChoice> {
  if (wanted === "portable") return ASKED_PORTABLE;
  const loaded = await loadFastpath();
  return typeof loaded === "string" ? withoutFastpath(wanted, loaded) : withFastpath(wanted);
}

/** The choice where the fast path was not wanted. */
export const ASKED_PORTABLE: EngineChoice = { name: "portable", reason: "the option engine says so" };

/** The choice where the fast path runs. */
export function withFastpath(wanted: "auto" | "fastpath"): EngineChoice {
  return { name: "fastpath", reason: wanted === "auto" ? "it can run here" : "the option engine says so" };
}

/**
 * The choice where it cannot run.
 *
 * @throws ServerError `ERR_SOCKS_ENGINE` where nothing else will do.
 */
export function withoutFastpath(wanted: "auto" | "fastpath", problem: string): EngineChoice {
  // The loader of modules says more, line by line.
  const reason = `the fast path cannot run here: ${problem.split("\n", 1)[0]}`;
  if (wanted === "fastpath") throw new ServerError("ERR_SOCKS_ENGINE", reason);
  return { name: "portable", reason };
}

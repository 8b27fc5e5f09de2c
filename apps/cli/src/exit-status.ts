import type { SocksStage } from "@sockskit/dial";

/** How a run of `sockskit` can end: the stages of a connection, and what is not about one. */
export type ExitReason = SocksStage | "success" | "failure" | "usage" | "timeout" | "interrupted" | "broken-pipe";

/** Exit statuses of `sockskit`; `docs/exit-statuses.md` has the same table. */
export const EXIT_STATUS: Readonly<Record<ExitReason, number>> = {
  success: 0,
  failure: 1,
  usage: 2,
  resolve: 3,
  "dial-proxy": 4,
  negotiate: 5,
  authenticate: 6,
  request: 7,
  relay: 8,
  timeout: 9,
  /** With a proxy; with the destination it is a failure of `fetch`. */
  tls: 10,
  /** What a shell reports for a program that SIGINT ended. */
  interrupted: 130,
  /** What a shell reports for a program that SIGPIPE ended. */
  "broken-pipe": 141,
};

/** What an error of any package may carry; read by name, so that no package need be loaded for it. */
interface KnownError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly side?: unknown;
  readonly stage?: unknown;
  readonly exitStatus?: unknown;
}

/** The exit status that tells a script where it went wrong. */
export function exitStatusOf(error: unknown): number {
  const { name, code, side, stage, exitStatus } = (error ?? {}) as KnownError;
  if (typeof exitStatus === "number") return exitStatus;
  if (code === "ERR_SOCKS_TIMEOUT") return EXIT_STATUS.timeout;
  if (isStage(stage)) return EXIT_STATUS[stage];
  // Without a stage nothing was begun: an address, a URL or an option is wrong, unless the system refused it.
  const isUsage =
    side === "local" && code !== "ERR_SOCKS_LISTEN_FAILED" && OPTION_ERRORS.some((known) => known === name);
  return isUsage ? EXIT_STATUS.usage : EXIT_STATUS.failure;
}

const OPTION_ERRORS: readonly string[] = ["SocksError", "ProxyUrlError", "WireError", "ServerError", "IdentError"];
const STAGES: readonly SocksStage[] = ["resolve", "dial-proxy", "tls", "negotiate", "authenticate", "request", "relay"];

function isStage(value: unknown): value is SocksStage {
  return STAGES.some((stage) => stage === value);
}

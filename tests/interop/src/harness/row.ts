import type { ServerPeer } from "../peers/server-peer.ts";
import type { Targets } from "../target/target.ts";
import { RunningProcess, type Command } from "./process.ts";
import type { Scope } from "./scope.ts";
import type { Tool } from "./tools.ts";

/** Columns of the table: what a row sends through the tunnel, or what it looks at. */
export const CHECKS = [
  "0 B",
  "1 B",
  "256 MiB down",
  "256 MiB up",
  "server first",
  "half-close",
  "refused target",
  "denied target",
  "wrong password",
  "page",
] as const;

/** One thing that is tried. */
export type Check = (typeof CHECKS)[number] | "probe" | "auto";

/** What can be tried with anything that carries octets both ways. */
export const TUNNEL_CHECKS = [
  "0 B",
  "1 B",
  "256 MiB down",
  "256 MiB up",
  "server first",
  "half-close",
] as const satisfies readonly Check[];

/** One of them. */
export type TunnelCheck = (typeof TUNNEL_CHECKS)[number];

/** One combination of peer, scheme, authentication and check. */
export interface Row {
  /** The program at the other end. */
  readonly tool: Tool;
  /** What the peer is in this row. */
  readonly role: "client" | "server";
  /** What is special about it, for example `via curl`; empty for none. */
  readonly variant?: string;
  /** Scheme of the proxy URL that says the same. */
  readonly scheme: Scheme;
  /** Authentication. */
  readonly auth: Auth;
  /** What is tried. */
  readonly check: Check;
  /** Further programs that the row needs. */
  readonly needs?: readonly Tool[];
  /** Does the work. Throws what is wrong; returns a remark for the table, if there is one. */
  readonly run: (context: RowContext) => Promise<string | void>;
}

/** Scheme of a proxy URL. */
export type Scheme = "socks4" | "socks4a" | "socks5" | "socks5h" | "any";

/** How a client says who it is. */
export type Auth = "none" | "user id" | "password";

/** What a row works with. */
export interface RowContext {
  /** Owns what the row starts. */
  readonly scope: Scope;
  /** Aborts when the row's time is over. */
  readonly signal: AbortSignal;
  /** The hosts to reach. */
  readonly targets: Targets;
  /** A port on which nobody listens. */
  readonly closedPort: number;
  /** A server that rows share; it is started when the first row asks for it. */
  readonly server: (name: string, start: (scope: Scope) => Promise<ServerPeer>) => Promise<ServerPeer>;
}

/** Starts a program that ends with the row. */
export function startInRow(context: RowContext, command: Command): RunningProcess {
  const running = new RunningProcess(command);
  context.scope.defer(() => running.stop(0));
  return running;
}

/** A row found something else than it expected. */
export class RowError extends Error {
  override readonly name = "RowError";
}

/** Throws a {@link RowError} that names both values unless they are the same text. */
export function expectSame(what: string, actual: string, expected: string): void {
  if (actual !== expected)
    throw new RowError(
      `${what}: got ${JSON.stringify(shorten(actual))}, expected ${JSON.stringify(shorten(expected))}`,
    );
}

function shorten(text: string): string {
  return text.length <= 2000 ? text : `${text.slice(0, 2000)}… (${text.length} characters)`;
}

import { AuthError } from "@sockskit/auth";
import type * as AuthGssapi from "@sockskit/auth-gssapi";
import { ServerError, type ServerErrorCode } from "../errors.ts";
import { listenPlans } from "../listener/listen-plan.ts";
import type { ServerOptions } from "../options.ts";
import type { GssapiPlan } from "./gssapi-plan.ts";

/** How long keys that were replaced are kept for clients that have chosen their method already. */
const RETIRE_MS = 60_000;

/** Keys for listeners, and what becomes of them. */
export interface PreparedKeys {
  /** What lets clients in by a plan. */
  readonly acceptors: ReadonlyMap<GssapiPlan, AuthGssapi.GssapiAcceptor>;
  /** Takes them in place of those of before, or (false) gives them back. */
  settle(commit: boolean): void;
}

/** The keys that a server has for GSS-API, replaced all at once or not at all. */
export class GssapiKeys {
  #open: readonly AuthGssapi.GssapiAcceptor[] = [];

  /**
   * Gets the keys for plans.
   *
   * @throws ServerError `ERR_SOCKS_GSSAPI_NO_CREDENTIALS`, `ERR_SOCKS_GSSAPI_LIBRARY`, `ERR_SOCKS_GSSAPI_FAILED`; then
   *   everything is as before.
   */
  async prepare(plans: readonly (GssapiPlan | undefined)[]): Promise<PreparedKeys> {
    const acceptors = new Map<GssapiPlan, AuthGssapi.GssapiAcceptor>();
    try {
      for (const plan of plans) {
        // eslint-disable-next-line no-await-in-loop -- one after the other: which keytab fails must be told
        if (plan !== undefined) acceptors.set(plan, await open(plan));
      }
    } catch (error) {
      for (const acceptor of acceptors.values()) acceptor.dispose();
      throw error;
    }
    const opened = [...acceptors.values()];
    return {
      acceptors,
      settle: (commit) => {
        const left = commit ? this.#open : opened;
        if (commit) this.#open = opened;
        retire(left, commit ? RETIRE_MS : 0);
      },
    };
  }

  /** Gives everything back. Clients that have begun go on. */
  close(): void {
    retire(this.#open, 0);
    this.#open = [];
  }
}

/**
 * Checks that the keys which options want for GSS-API can be had, listener by listener, and gives them back.
 *
 * @throws ServerError `ERR_SOCKS_GSSAPI_NO_CREDENTIALS`, `ERR_SOCKS_GSSAPI_LIBRARY`, `ERR_SOCKS_GSSAPI_FAILED`; and what
 *   `createServer` says of the options.
 */
export async function checkGssapiKeys(options: ServerOptions): Promise<void> {
  const keys = await new GssapiKeys().prepare(listenPlans(options).map(({ gssapi }) => gssapi));
  keys.settle(false);
}

function retire(acceptors: readonly AuthGssapi.GssapiAcceptor[], afterMs: number): void {
  const dispose = (): void => {
    for (const acceptor of acceptors) acceptor.dispose();
  };
  if (afterMs === 0) dispose();
  else if (acceptors.length > 0) setTimeout(dispose, afterMs).unref();
}

async function open({
  keytab,
  service,
  protection,
  answerNone,
  mechanism,
}: GssapiPlan): Promise<AuthGssapi.GssapiAcceptor> {
  const { createAcceptor } = await load();
  try {
    return await createAcceptor({ keytab, service, protection, answerNone, mechanism });
  } catch (cause) {
    if (!(cause instanceof AuthError)) throw cause;
    throw new ServerError(cause.code as ServerErrorCode, `GSS-API: ${cause.message}`, { path: ["gssapi"], cause });
  }
}

async function load(): Promise<typeof AuthGssapi> {
  try {
    return await import("@sockskit/auth-gssapi");
  } catch (cause) {
    const message = 'GSS-API needs the package @sockskit/auth-gssapi; install it: "npm install @sockskit/auth-gssapi"';
    throw new ServerError("ERR_SOCKS_GSSAPI_LIBRARY", message, { path: ["gssapi"], cause });
  }
}

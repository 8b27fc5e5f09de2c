import { isLoopback } from "./loopback.ts";
import { innerMethodNames } from "../methods/ssl-plan.ts";
import { type ListenPlan, listenPlans, placeText } from "./listen-plan.ts";
import type { ServerOptions } from "../options.ts";

/**
 * Says what is wrong when a server with these options would serve everybody who can reach it: a listener that is
 * not on loopback takes clients without authentication, and `allowOpenProxy` does not say that this is meant.
 *
 * @returns The problem and the two ways out; `undefined` when there is none.
 * @throws ServerError `ERR_SOCKS_BAD_OPTION` when `listen` or `authMethods` cannot be understood.
 */
export function openProxyProblem(options: ServerOptions): string | undefined {
  if (options.allowOpenProxy === true) return undefined;
  const open = listenPlans(options).find((plan) => isOpen(plan, options));
  return open === undefined ? undefined : explain(open);
}

/** Clients with a certificate have been asked who they are; those that a PROXY header brings are from anywhere. */
function isOpen(plan: ListenPlan, options: ServerOptions): boolean {
  const { address, tls, proxyFrom } = plan;
  if (!asksNobody(plan, options) || tls?.asksClients === true) return false;
  return proxyFrom !== undefined || !isLoopback(address);
}

/**
 * Whoever speaks TLS inside SOCKS may be asked nothing inside it. With GSS-API everybody is asked for a ticket, also where
 * `answerNone` leaves unprotected what follows.
 */
function asksNobody({ authMethods }: ListenPlan, options: ServerOptions): boolean {
  return authMethods.includes("none") || (authMethods.includes("ssl") && innerMethodNames(options).includes("none"));
}

function explain(plan: ListenPlan): string {
  return (
    `${placeText(plan)} can be reached from other hosts and asks nobody for a password: anybody could use this ` +
    `proxy, and would be taken for this host. Either give "credentials" and leave "none" out of "authMethods" (a ` +
    `listener's own list included), or set "allowOpenProxy" to true if everybody who can reach it may use it`
  );
}

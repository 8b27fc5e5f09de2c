import type { Socket } from "node:net";
import { dialAddress } from "@sockskit/dial";
import {
  type AllowDecision,
  decideAddress,
  decideRequest,
  type DenyDecision,
  type Policy,
  type Question,
} from "@sockskit/policy";
import type { Address, IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import type { SessionVia } from "../events.ts";
import type { RuleShare } from "../limits/rule-limits.ts";
import { localAddressOf } from "../socket-address.ts";
import type { ClientCredentials } from "../upstream/client-credentials.ts";
import { connectThrough } from "../upstream/connect-through.ts";
import type { SessionHost } from "./host.ts";
import { type Denial, denialOf, FULL, fullDenial, takeShare } from "./rule-share.ts";
import type { Settings } from "./settings.ts";

/** What became of a request. */
export type Outcome =
  | {
      readonly type: "reached";
      readonly target: Socket;
      /** The address that was dialled. */
      readonly address: IpAddress;
      /** What the reply names. */
      readonly boundAddress: IpAddress | undefined;
      readonly via: SessionVia | undefined;
      /** Position of the rule that allowed it. */
      readonly rule: number;
      /** The place under the rule's limits; whoever has the outcome gives it back. */
      readonly share: RuleShare | undefined;
    }
  | (Denial & { readonly type: "denied" })
  | { readonly type: "unreachable"; readonly error: Error; readonly via: SessionVia | undefined };

/** Who wants to get where, and by what. */
export interface ReachRequest {
  readonly host: SessionHost;
  readonly question: Question;
  readonly policy: Policy;
  readonly settings: Settings;
  readonly credentials: ClientCredentials | undefined;
  readonly signal: AbortSignal;
}

/** Where a decision leads that was made on one address, or on a name that is passed on. */
interface Way {
  readonly allowed: AllowDecision;
  readonly destination: Address;
}

/** Tell `dial` that an address is not to be dialled; what they say is in the decision. */
const NOT_THIS_ONE = new ServerError("ERR_SOCKS_DENIED", "the rules deny this address");
const NOT_DIRECTLY = new ServerError("ERR_SOCKS_DENIED", "the rules send this address to an upstream");

/**
 * Decides on a request and connects: on what was asked, and again on each address before it is dialled. Only an
 * address that was decided on is dialled, so a name that changes its address in between finds no gap.
 *
 * Never rejects.
 */
export async function reach(request: ReachRequest): Promise<Outcome> {
  const { question, policy, settings, signal } = request;
  const deadlineMs = performance.now() + settings.timeouts.connectMs;
  const asked = decideRequest(policy, question);
  if (asked.outcome === "deny") return denied(denialOf(asked));
  if (asked.outcome === "allow") {
    return asked.via === undefined
      ? reachDirectly(request, asked, deadlineMs)
      : reachVia(request, { allowed: asked, destination: question.destination }, deadlineMs);
  }
  const ways: Way[] = [];
  const outcome = await reachDirectly(request, undefined, deadlineMs, ways);
  // Nothing says whether the upstream has IPv6, and it is asked for one address only.
  const way = ways.find(({ destination }) => destination.type === "ipv4") ?? ways[0];
  if (outcome.type === "reached" || way === undefined || signal.aborted) return outcome;
  return reachVia(request, way, deadlineMs);
}

/**
 * @param allowed What allows it, when that is known: a limit that is used up then spares the destination a useless connection.
 * @param ways Gets the addresses of a name that are to be reached by an upstream.
 */
async function reachDirectly(
  { question, policy, settings, signal }: ReachRequest,
  allowed: AllowDecision | undefined,
  deadlineMs: number,
  ways: Way[] = [],
): Promise<Outcome> {
  let share = allowed && takeShare(allowed, policy, question, settings.ruleLimits);
  if (share === FULL) return denied(fullDenial(allowed as AllowDecision));

  let denial: DenyDecision | undefined;
  const check = (address: IpAddress): Error | undefined => {
    const decision = decideAddress(policy, question, address);
    if (decision.outcome === "deny") {
      denial = decision;
      return NOT_THIS_ONE;
    }
    if (decision.via === undefined) return undefined;
    ways.push({ allowed: decision, destination: address });
    return NOT_DIRECTLY;
  };
  try {
    const { resolver, family, localAddress } = settings.outbound;
    const { socket: target, address } = await dialAddress({
      destination: question.destination,
      resolver,
      family,
      localAddress,
      check,
      keepAlive: true,
      connectTimeoutMs: Math.max(1, Math.ceil(deadlineMs - performance.now())),
      signal,
    });
    if (allowed === undefined) {
      const decision = decideAddress(policy, question, address);
      if (decision.outcome === "deny") {
        target.destroy();
        return denied(denialOf(decision));
      }
      allowed = decision;
      share = takeShare(allowed, policy, question, settings.ruleLimits);
      if (share === FULL) {
        target.destroy();
        return denied(fullDenial(allowed));
      }
    }
    const boundAddress = localAddressOf(target);
    return { type: "reached", target, address, boundAddress, via: undefined, rule: allowed.rule.index, share };
  } catch (error) {
    if (share !== undefined) settings.ruleLimits.release(share as RuleShare);
    if (denial !== undefined && (error as { code?: unknown }).code === "ERR_SOCKS_ADDRESS_DENIED")
      return denied(denialOf(denial));
    return unreachable(error, undefined);
  }
}

async function reachVia(request: ReachRequest, { allowed, destination }: Way, deadlineMs: number): Promise<Outcome> {
  const { host, question, policy, settings, credentials, signal } = request;
  const upstream = allowed.via as string;
  const share = takeShare(allowed, policy, question, settings.ruleLimits);
  if (share === FULL) return denied(fullDenial(allowed));
  try {
    const use = { host, settings, deadlineMs, signal, client: question.client, credentials };
    const reached = await connectThrough(upstream, destination, use);
    return { type: "reached", ...reached, rule: allowed.rule.index, share };
  } catch (error) {
    if (share !== undefined) settings.ruleLimits.release(share);
    return unreachable(error, { upstream });
  }
}

function denied(denial: Denial): Outcome {
  return { type: "denied", ...denial };
}

function unreachable(cause: unknown, via: SessionVia | undefined): Outcome {
  const error =
    cause instanceof Error ? cause : new ServerError("ERR_SOCKS_SESSION_FAILED", "dialling failed", { cause });
  return { type: "unreachable", error, via };
}

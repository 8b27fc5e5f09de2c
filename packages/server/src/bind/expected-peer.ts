import { SocksError } from "@sockskit/dial";
import {
  type AllowDecision,
  decideAddress,
  decideCommand,
  decideRequest,
  type DenyDecision,
  type Policy,
  type Question,
} from "@sockskit/policy";
import { type DomainAddress, formatHost, type IpAddress, isUnspecified, unmapAddress, withPort } from "@sockskit/wire";
import { type Denial, denialOf } from "../session/rule-share.ts";
import type { Settings } from "../session/settings.ts";

/** Whom a BIND waits for, as the rules allow it. */
export interface ExpectedPeer {
  /** The addresses that may connect; `undefined`: any, and the rules decide when one does. */
  readonly addresses: readonly IpAddress[] | undefined;
  /** What allows it; `undefined` where the rules decide only when somebody connects. */
  readonly allowed: AllowDecision | undefined;
}

/**
 * Finds out whom a BIND waits for. A name is looked up now, and every address of it that the rules allow may connect.
 *
 * @returns A denial when the rules allow nobody.
 * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED` and what else the resolver throws.
 */
export async function expectedPeer(
  question: Question,
  policy: Policy,
  settings: Settings,
  family: "auto" | 4 | 6,
  signal: AbortSignal,
): Promise<ExpectedPeer | Denial> {
  const { destination } = question;
  if (destination.type !== "domain" && isUnspecified(destination)) return anyPeer(question, policy, settings);
  const asked = decideRequest(policy, question);
  if (asked.outcome === "deny") return denialOf(asked);
  if (asked.outcome === "allow") {
    return { addresses: destination.type === "domain" ? undefined : [unmapAddress(destination)], allowed: asked };
  }
  return namedPeer(
    question,
    destination as DomainAddress,
    policy,
    await look(destination.host, settings, family, signal),
  );
}

function anyPeer(question: Question, policy: Policy, { bind }: Settings): ExpectedPeer | Denial {
  if (!bind.allowAnyPeer) {
    const reason = "BIND names no peer, and waiting for any is not allowed (bind.allowAnyPeer)";
    return { code: "ERR_SOCKS_DENIED", reason, rule: undefined };
  }
  const allowed = decideCommand(policy, question);
  return allowed.outcome === "deny" ? denialOf(allowed) : { addresses: undefined, allowed: undefined };
}

function namedPeer(
  question: Question,
  { host }: DomainAddress,
  policy: Policy,
  found: readonly IpAddress[],
): ExpectedPeer | Denial {
  let allowed: AllowDecision | undefined;
  let denial: DenyDecision | undefined;
  const addresses: IpAddress[] = [];
  for (const address of found) {
    const decision = decideAddress(policy, question, address);
    if (decision.outcome === "deny") denial = decision;
    else {
      allowed ??= decision;
      addresses.push(unmapAddress(address));
    }
  }
  if (allowed !== undefined) return { addresses, allowed };
  if (denial !== undefined) return denialOf(denial);
  throw new SocksError("ERR_SOCKS_RESOLVE_FAILED", `${host} has no address`, { side: "remote", stage: "resolve" });
}

function look(
  name: string,
  { outbound }: Settings,
  family: "auto" | 4 | 6,
  signal: AbortSignal,
): Promise<readonly IpAddress[]> {
  return outbound.resolver.resolve(name, { family, signal });
}

/** Why a connection is not the one that was expected; a decision of the rules when it is. Ports are not compared. */
export function judgePeer(
  { addresses }: ExpectedPeer,
  peer: IpAddress,
  question: Question,
  policy: Policy,
): AllowDecision | Denial {
  if (addresses !== undefined && !addresses.some((address) => address.host === peer.host)) {
    const reason = `${formatHost(peer)} connected, which is not the peer that BIND names`;
    return { code: "ERR_SOCKS_WRONG_PEER", reason, rule: undefined };
  }
  const { destination } = question;
  // Without a name or address of its own, a BIND for any peer is a BIND for the one that came.
  const asked = addresses === undefined ? { ...question, destination: withPort(peer, destination.port) } : question;
  const decision = decideAddress(policy, asked, peer);
  return decision.outcome === "deny" ? denialOf(decision) : decision;
}

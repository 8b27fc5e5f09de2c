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

/** Nobody knows who connected. */
export const LEFT_AGAIN: Denial = {
  code: "ERR_SOCKS_WRONG_PEER",
  reason: "somebody connected and left, or the upstream does not tell who",
  rule: undefined,
};
const ANOTHER_WAY: Denial = {
  code: "ERR_SOCKS_DENIED",
  reason: "the rule for who connected has another via than the one that the server listened by",
  rule: undefined,
};

/** Whom a BIND waits for, as the rules allow it. */
export interface ExpectedPeer {
  /** The addresses that may connect; `undefined`: any, and the rules decide when one does. */
  readonly addresses: readonly IpAddress[] | undefined;
  /** What allows it; `undefined` where the rules decide only when somebody connects. */
  readonly allowed: AllowDecision | undefined;
  /** The upstream that listens; `undefined`: this server does. */
  readonly via: string | undefined;
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
    // Of a name that is passed on only the upstream learns the address.
    const addresses = destination.type === "domain" ? undefined : [unmapAddress(destination)];
    return { addresses, allowed: asked, via: asked.via };
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
  if (allowed.outcome === "deny") return denialOf(allowed);
  return { addresses: undefined, allowed: undefined, via: allowed.via };
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
      if (decision.via === allowed.via) addresses.push(unmapAddress(address));
    }
  }
  if (allowed !== undefined) return { addresses, allowed, via: allowed.via };
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
  { addresses, allowed, via }: ExpectedPeer,
  peer: IpAddress | undefined,
  question: Question,
  policy: Policy,
): AllowDecision | Denial {
  // An upstream compares by itself, and need not tell whom it let in.
  if (via !== undefined && allowed !== undefined && (peer === undefined || addresses === undefined)) return allowed;
  if (peer === undefined) return LEFT_AGAIN;
  if (addresses !== undefined && !addresses.some((address) => address.host === peer.host)) {
    const reason = `${formatHost(peer)} connected, which is not the peer that BIND names`;
    return { code: "ERR_SOCKS_WRONG_PEER", reason, rule: undefined };
  }
  const { destination } = question;
  // Without a name or address of its own, a BIND for any peer is a BIND for the one that came.
  const asked = addresses === undefined ? { ...question, destination: withPort(peer, destination.port) } : question;
  const decision = decideAddress(policy, asked, peer);
  if (decision.outcome === "deny") return denialOf(decision);
  return decision.via === via ? decision : { ...ANOTHER_WAY, rule: decision.rule.index };
}

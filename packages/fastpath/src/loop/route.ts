import type { HandshakeRequest } from "@sockskit/handshake";
import { type AllowDecision, decideAddress, decideRequest, type DenyDecision, type Question } from "@sockskit/policy";
import type { IpAddress } from "@sockskit/wire";
import type { LoopSettings } from "./host.ts";

/** Where a request goes. */
export type Choice =
  | {
      readonly type: "dial";
      readonly addresses: readonly { readonly address: IpAddress; readonly decision: AllowDecision }[];
    }
  | { readonly type: "denied"; readonly reason: string; readonly rule: number | undefined }
  /** The rule says more than that it allows, such as a limit or an upstream: that is kept elsewhere. */
  | { readonly type: "owner" };

/** Whether a request is one that the owner of the loop serves: anything but a CONNECT that needs nobody else. */
export function needsOwner(request: HandshakeRequest, settings: LoopSettings): boolean {
  const { destination, command, version } = request;
  if (command !== "connect") return true;
  if (version === 4 && settings.identifies) return true;
  if (settings.leavesAll || (destination.type === "domain" && settings.plainRules.includes(false))) return true;
  return destination.port === 0 || settings.ownPorts.includes(destination.port);
}

/**
 * Decides on a request, by the same functions as everywhere: with `undefined` on a name before it is looked up, and then on
 * each address that it has.
 */
export function chooseAddresses(
  { policy, plainRules }: LoopSettings,
  question: Question,
  addresses: readonly IpAddress[] | undefined,
): Choice {
  if (addresses === undefined) {
    const asked = decideRequest(policy, question);
    if (asked.outcome === "deny") return denied(asked);
    // A name that is allowed as it is goes to an upstream.
    return asked.outcome === "allow" ? { type: "owner" } : { type: "dial", addresses: [] };
  }
  const allowed: { readonly address: IpAddress; readonly decision: AllowDecision }[] = [];
  let denial: DenyDecision | undefined;
  for (const address of addresses) {
    const decision = decideAddress(policy, question, address);
    if (decision.outcome === "deny") denial = decision;
    else if (plainRules[decision.rule.index] !== true || hasZone(address)) return { type: "owner" };
    else allowed.push({ address, decision });
  }
  return allowed.length === 0 && denial !== undefined ? denied(denial) : { type: "dial", addresses: allowed };
}

function denied({ reason, rule }: DenyDecision): Choice {
  return { type: "denied", reason, rule: rule?.index };
}

/** Whether the number of an interface would be needed. */
function hasZone(address: IpAddress): boolean {
  return address.type === "ipv6" && address.zone !== undefined;
}

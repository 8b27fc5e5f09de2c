import type { EntrancePlan, LoopSettings, ThreadMethod } from "@sockskit/fastpath";
import { type IpAddress, isUnspecified, parseIpAddress } from "@sockskit/wire";
import type { ListenPlan } from "../listener/listen-plan.ts";
import type { Entrance } from "../session/host.ts";
import { familyOf, type Settings } from "../session/settings.ts";

/** What a thread needs of the settings. */
export function loopSettings(settings: Settings, listeners: readonly IpAddress[]): LoopSettings {
  const { policy, timeouts, limits, outbound, ident, trustUserIds } = settings;
  const { proxyProtocol, ...others } = outbound;
  const { localAddress } = others;
  return {
    policy,
    timeouts: {
      handshakeMs: timeouts.handshakeMs,
      connectMs: timeouts.connectMs,
      idleMs: timeouts.idleMs,
      lingerMs: timeouts.lingerMs,
    },
    limits: { sessions: limits.sessions, perClient: limits.perClient, handshakes: limits.handshakes },
    family: familyOf(outbound),
    localAddress: localAddress === undefined ? undefined : parseIpAddress(localAddress),
    // A listener on every address is reached by addresses that this host gets later, too.
    ownPorts: listeners.filter((address) => isUnspecified(address)).map(({ port }) => port),
    plainRules: policy.rules.map((rule) => !hasOtherKeys(rule, PLAIN_RULE_KEYS)),
    leavesAll: proxyProtocol !== "off" || hasOtherKeys(others, PLAIN_OUTBOUND_KEYS),
    identifies: ident !== undefined || trustUserIds,
  };
}

/** What a thread does by itself: anything else that is asked for goes to this side. */
const PLAIN_RULE_KEYS: readonly string[] = [
  "action",
  "clients",
  "users",
  "groups",
  "authenticated",
  "commands",
  "to",
  "ports",
  "reason",
];
const PLAIN_OUTBOUND_KEYS: readonly string[] = ["localAddress", "family", "resolver"];

function hasOtherKeys(value: object, known: readonly string[]): boolean {
  return Object.entries(value).some(([key, entry]) => entry !== undefined && !known.includes(key));
}

/** What a thread knows of a listener's plan. With anything else in it, clients are handed over as they come. */
const KNOWN_KEYS: readonly string[] = ["address", "ipv6Only", "versions", "authMethods", "methods", "advertise"];

/** What a thread needs of a listener. */
export function entrancePlan(plan: ListenPlan, { address, handshake }: Entrance): EntrancePlan {
  const authMethods = plan.authMethods.filter((name): name is ThreadMethod => name === "none" || name === "userpass");
  return {
    address,
    versions: plan.versions,
    authMethods,
    commands: handshake.commands ?? [],
    handsOver: hasOtherKeys(plan, KNOWN_KEYS) || authMethods.length < plan.authMethods.length,
  };
}

import type { Resolver } from "@sockskit/dial";
import type { Policy, ProxyProtocolVersion } from "@sockskit/policy";
import { parseIpAddress } from "@sockskit/wire";
import type { ChallengeCallback } from "../credentials/challenge.ts";
import type { CredentialStore } from "../credentials/credential-store.ts";
import { DeadlineLane, type LaneEntry } from "../limits/deadline-lane.ts";
import type { IdentPlan } from "../ident/ident-plan.ts";
import type { RuleLimits } from "../limits/rule-limits.ts";
import type { LimitOptions, TimeoutOptions } from "../options.ts";
import type { BindPlan, UdpPlan } from "../ports/relay-plan.ts";
import type { Seat } from "../transport/seat.ts";
import type { Upstreams } from "../upstream/upstream-plan.ts";
import type { Session } from "./session.ts";

/** Deadlines of one set of settings, by what they bound. */
export interface Lanes {
  /** From accepting a client to its request. */
  readonly handshake: DeadlineLane<Seat>;
  /** From a question to a person to the answer. */
  readonly answer: DeadlineLane<Seat>;
  /** From accepting a connection to its PROXY header. */
  readonly proxyHeader: DeadlineLane<LaneEntry>;
  /** From a failure to the end of the connection. */
  readonly linger: DeadlineLane<Session>;
  /** Between two looks at whether a tunnel is idle. */
  readonly idle: DeadlineLane<LaneEntry>;
  /** From a BIND to the connection of its peer. */
  readonly bind: DeadlineLane<LaneEntry>;
  /** Between two looks at whether an association is idle. */
  readonly udp: DeadlineLane<LaneEntry>;
}

/** What a session goes by. Never changed: a reload makes a new one, and each session asks for the newest at each step. */
export interface Settings {
  readonly policy: Policy;
  /** The same one in all settings of a server. */
  readonly ruleLimits: RuleLimits;
  readonly upstreams: Upstreams;
  readonly store: CredentialStore | undefined;
  readonly challenge: ChallengeCallback | undefined;
  readonly outbound: {
    readonly localAddress: string | undefined;
    readonly family: "auto" | 4 | 6;
    readonly resolver: Resolver;
    readonly proxyProtocol: ProxyProtocolVersion;
  };
  readonly timeouts: Required<TimeoutOptions>;
  readonly limits: Required<LimitOptions>;
  /** Set: hosts of SOCKS 4 clients are asked. */
  readonly ident: IdentPlan | undefined;
  /** Whether a SOCKS 4 user id is a user. */
  readonly trustUserIds: boolean;
  readonly bind: BindPlan;
  readonly udp: UdpPlan;
  readonly lanes: Lanes;
}

/** From accepting a connection to its PROXY header: a balancer sends it at once. */
export const PROXY_HEADER_TIMEOUT_MS = 5_000;
/** An idle tunnel or association is found within an eighth of its time. */
const IDLE_LOOKS = 8;

/** The family of what goes out: a local address has only one. */
export function familyOf({ localAddress, family }: Settings["outbound"]): "auto" | 4 | 6 {
  if (localAddress === undefined) return family;
  return parseIpAddress(localAddress)?.type === "ipv4" ? 4 : 6;
}

/** Lanes for these times; those of `previous` where the time is the same, so that what waits in them stays known. */
export function lanesFor(timeouts: Required<TimeoutOptions>, previous?: Lanes): Lanes {
  return {
    handshake: laneFor(timeouts.handshakeMs, previous?.handshake),
    answer: laneFor(timeouts.answerMs, previous?.answer),
    proxyHeader: laneFor(PROXY_HEADER_TIMEOUT_MS, previous?.proxyHeader),
    linger: laneFor(timeouts.lingerMs, previous?.linger),
    idle: laneFor(timeouts.idleMs / IDLE_LOOKS, previous?.idle),
    bind: laneFor(timeouts.bindMs, previous?.bind),
    udp: laneFor(timeouts.udpMs / IDLE_LOOKS, previous?.udp),
  };
}

function laneFor<T extends LaneEntry>(periodMs: number, previous: DeadlineLane<T> | undefined): DeadlineLane<T> {
  return previous?.periodMs === periodMs ? previous : new DeadlineLane(periodMs);
}

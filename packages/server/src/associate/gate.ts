import {
  type AllowDecision,
  type Decision,
  decideAddress,
  decideRequest,
  type Policy,
  type Question,
} from "@sockskit/policy";
import type { Address, DomainAddress, IpAddress } from "@sockskit/wire";
import type { RateBucket } from "../limits/rate-bucket.ts";
import { ruleKey, type RuleShare } from "../limits/rule-limits.ts";
import type { SessionHost } from "../session/host.ts";
import { FULL, ruleOf, takeShare } from "../session/rule-share.ts";
import type { DropReason } from "./datagram-counts.ts";

/** What the rules say of an address. */
export interface Verdict {
  /** The rules that said it; `undefined` when they have to be asked again each time. */
  readonly policy: Policy | undefined;
  /** Why nothing goes there; `undefined` when it may. */
  readonly drop: DropReason | undefined;
  /** Limits the rate. */
  readonly bucket: RateBucket | undefined;
  /** The upstream that it goes by; `undefined`: it goes directly. */
  readonly via: string | undefined;
}

/** The rules for the datagrams of one association, and its places under their limits. */
export class Gate {
  readonly #host: SessionHost;
  readonly #asker: Omit<Question, "destination">;
  /** By the rule. */
  readonly #shares = new Map<string, RuleShare>();

  constructor(host: SessionHost, { client, user, command }: Question) {
    this.#host = host;
    this.#asker = user === undefined ? { client, command } : { client, user, command };
  }

  /** Takes the place of the whole association under the rule that allows it; whether there was one. */
  enter(allowed: AllowDecision, policy: Policy): boolean {
    return this.#shareOf(allowed, policy) !== FULL;
  }

  /** Whether a verdict is one of the rules of this moment. */
  isCurrent({ policy }: Verdict): boolean {
    return policy === this.#host.settings.policy;
  }

  /**
   * Decides on a name, as far as the name alone can tell: when the rules deny it whatever its address is, and when it is
   * passed on to an upstream. Otherwise it has to be looked up.
   */
  judgeName(asked: DomainAddress): Verdict | "look-up" {
    const policy = this.#host.policyFor(asked.port);
    const decision = decideRequest(policy, { ...this.#asker, destination: asked });
    return decision.outcome === "resolve" ? "look-up" : this.#verdict(decision, policy);
  }

  /** Decides on the very address that a datagram would go to, or came from; `asked` is what the client called it. */
  judge(asked: Address, address: IpAddress): Verdict {
    const policy = this.#host.policyFor(asked.port);
    // One datagram to many hosts is an amplifier, whatever the rules say.
    if (isManyHosts(address)) return { policy, drop: "denied", bucket: undefined, via: undefined };
    return this.#verdict(decideAddress(policy, { ...this.#asker, destination: asked }, address), policy);
  }

  /** Gives every place back. */
  leave(): void {
    for (const share of this.#shares.values()) this.#host.settings.ruleLimits.release(share);
    this.#shares.clear();
  }

  #verdict(decision: Decision, policy: Policy): Verdict {
    if (decision.outcome === "deny") return { policy, drop: "denied", bucket: undefined, via: undefined };
    const share = this.#shareOf(decision, policy);
    if (share === FULL) return { policy: undefined, drop: "limit", bucket: undefined, via: undefined };
    return { policy, drop: undefined, bucket: share?.bucket, via: decision.via };
  }

  /** One place for each rule, however many datagrams it allows. */
  #shareOf(allowed: AllowDecision, policy: Policy): RuleShare | undefined | typeof FULL {
    if (allowed.limit === undefined) return undefined;
    const rule = ruleKey(ruleOf(policy, allowed));
    const held = this.#shares.get(rule);
    if (held !== undefined) return held;
    const share = takeShare(allowed, policy, this.#asker, this.#host.settings.ruleLimits);
    if (share !== undefined && share !== FULL) this.#shares.set(rule, share);
    return share;
  }
}

/** Whether an address is a multicast or broadcast one; 240.0.0.0/4 is kept for neither. */
function isManyHosts({ type, octets }: IpAddress): boolean {
  const first = octets[0] as number;
  return type === "ipv4" ? first >= 224 : first === 0xff;
}

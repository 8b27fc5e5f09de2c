import { type AllowDecision, decideAddress, decideRequest, type Policy, type Question } from "@sockskit/policy";
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

  /** Whether a name may be looked up: not when the rules deny it whatever its address is. */
  mayLookUp(asked: DomainAddress): boolean {
    const policy = this.#host.policyFor(asked.port);
    return decideRequest(policy, { ...this.#asker, destination: asked }).outcome === "resolve";
  }

  /** Decides on the very address that a datagram would go to, or came from; `asked` is what the client called it. */
  judge(asked: Address, address: IpAddress): Verdict {
    const policy = this.#host.policyFor(asked.port);
    // One datagram to many hosts is an amplifier, whatever the rules say.
    if (isManyHosts(address)) return { policy, drop: "denied", bucket: undefined };
    const decision = decideAddress(policy, { ...this.#asker, destination: asked }, address);
    if (decision.outcome === "deny" || decision.via !== undefined) return { policy, drop: "denied", bucket: undefined };
    const share = this.#shareOf(decision, policy);
    if (share === FULL) return { policy: undefined, drop: "limit", bucket: undefined };
    return { policy, drop: undefined, bucket: share?.bucket };
  }

  /** Gives every place back. */
  leave(): void {
    for (const share of this.#shares.values()) this.#host.settings.ruleLimits.release(share);
    this.#shares.clear();
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

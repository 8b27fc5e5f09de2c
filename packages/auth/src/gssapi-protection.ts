import { PROTECTION_LEVEL } from "@sockskit/wire";

/** How messages are protected after the GSS-API method: not at all, against changes, or against changes and readers. */
export type GssapiProtection = "none" | "integrity" | "confidentiality";

/** What a context can do, as its flags say. */
export interface GssapiAbilities {
  /** Whether it can protect messages against changes. */
  readonly integrity: boolean;
  /** Whether it can protect them against readers. */
  readonly confidentiality: boolean;
}

/** What {@link grantProtection} decides by. */
export interface GrantProtectionOptions extends GssapiAbilities {
  /** The level that the client asks for, one octet. */
  readonly asked: number;
  /** What the server allows. */
  readonly allowed: readonly GssapiProtection[];
  /** Whether the answer is always no protection. */
  readonly answerNone: boolean;
}

/** What {@link requestProtection} decides by. */
export interface RequestProtectionOptions extends GssapiAbilities {
  /** What the client allows. */
  readonly allowed: readonly GssapiProtection[];
}

const STRONGEST_FIRST: readonly GssapiProtection[] = ["confidentiality", "integrity", "none"];

/** The octet of a protection, RFC 1961 section 4.1. */
export function levelOf(protection: GssapiProtection): number {
  return PROTECTION_LEVEL[protection];
}

/** The protection that an octet stands for; `undefined` for `selective` and for octets without a meaning. */
export function protectionOf(level: number): GssapiProtection | undefined {
  return STRONGEST_FIRST.find((protection) => levelOf(protection) === level);
}

/**
 * Decides which protection a server grants, RFC 1961 section 4.3: the one that was asked for where that is allowed and
 * possible, else the strongest that is, so that the client decides whether it goes on. Per-message choice (level 03)
 * becomes the strongest as well.
 *
 * @returns `undefined` when there is none, or the octet means nothing: refuse the client.
 */
export function grantProtection(options: GrantProtectionOptions): GssapiProtection | undefined {
  const { asked, allowed, answerNone } = options;
  if (asked > PROTECTION_LEVEL.selective) return undefined;
  if (answerNone) return "none";
  const wanted = protectionOf(asked);
  // Never less than what is allowed, and never `none` because a client asks for it.
  const candidates = possible(options).filter((protection) => allowed.includes(protection));
  if (wanted !== undefined && candidates.includes(wanted)) return wanted;
  return candidates[0];
}

/**
 * Decides which protection a client asks for: the strongest that it allows and the context can give.
 *
 * @returns `undefined` when there is none.
 */
export function requestProtection(options: RequestProtectionOptions): GssapiProtection | undefined {
  return possible(options).find((protection) => options.allowed.includes(protection));
}

function possible({ integrity, confidentiality }: GssapiAbilities): readonly GssapiProtection[] {
  return STRONGEST_FIRST.filter((protection) => {
    if (protection === "confidentiality") return confidentiality;
    return protection === "none" || integrity;
  });
}

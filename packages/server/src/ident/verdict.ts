import { IDENT_ERROR, type IdentReply, trimUserId, userIdText } from "@sockskit/identd";
import { SOCKS4_CD } from "@sockskit/wire";
import type { IdentPlan } from "./ident-plan.ts";
import { userNameOf } from "./user-name.ts";

/** What an ident daemon said of a SOCKS 4 client, RFC 1413. It is worth as much as the client's host. */
export interface SessionIdent {
  /** The user that it named. Nothing of it can forge a line of a log. */
  readonly userId?: string;
  /** Why it named nobody: an error type such as `"NO-USER"`, or a code such as `"ERR_SOCKS_TIMEOUT"`. */
  readonly error?: string;
}

/** What came of asking for a client: an answer, or the code of the error that came instead. */
export type IdentResult = IdentReply | { readonly type: "none"; readonly code: string };

/** Why a client is refused because of ident. */
interface IdentRefusal {
  readonly code: "ERR_SOCKS_IDENT_FAILED" | "ERR_SOCKS_IDENT_MISMATCH";
  readonly reason: string;
  /** The CD octet that it gets: 5b, 5c or 5d. */
  readonly cd: number;
}

/** What follows from it for the session. */
export interface IdentVerdict {
  /** For events. */
  readonly ident: SessionIdent;
  /** Set: the client is refused. */
  readonly refusal?: IdentRefusal;
  /** Set: who the client is for the rules. */
  readonly name?: string;
}

/** Judges an answer, or its absence, about a client that gave `userid`. */
export function judgeIdent(result: IdentResult, userid: Uint8Array, plan: IdentPlan): IdentVerdict {
  if (result.type !== "userid") {
    const error = result.type === "none" ? result.code : result.errorType;
    const ident = { error };
    if (plan.mode === "ask") return { ident };
    // The port pair was ours: what stands between us and the client has changed it.
    const isOurs = error === IDENT_ERROR.invalidPort;
    const cd = isOurs ? SOCKS4_CD.requestRejectedOrFailed : SOCKS4_CD.identdUnreachable;
    return { ident, refusal: { code: "ERR_SOCKS_IDENT_FAILED", reason: `ident named nobody: ${error}`, cd } };
  }
  const ident = { userId: userIdText(result) };
  const named = trimUserId(result.userId);
  if (userid.length > 0 && Buffer.compare(named, userid) !== 0) {
    const reason = "ident named another user than the request";
    return { ident, refusal: { code: "ERR_SOCKS_IDENT_MISMATCH", reason, cd: SOCKS4_CD.useridMismatch } };
  }
  // OTHER says that what it gives is no login name.
  const name = plan.namesUsers && result.opsys.toUpperCase() !== "OTHER" ? userNameOf(named) : undefined;
  return name === undefined ? { ident } : { ident, name };
}

import { createHmac, randomBytes } from "node:crypto";
import { withPort, type IpAddress } from "@sockskit/wire";
import type { IdentQuery } from "../codec/query.ts";
import { isPort } from "../codec/query.ts";
import { encodeIdentReply, IDENT_ERROR, type IdentReply } from "../codec/reply.ts";
import { IdentError } from "../errors.ts";
import type { IdentOwner } from "../lookup/lookup.ts";
import type { IdentServerPlan } from "./options.ts";

/** Octets of a digest that are sent, in Base64url. */
const DIGEST_LENGTH = 16;
const KEY_LENGTH = 32;

/** Turns queries into answers. */
export class Answerer {
  readonly #plan: IdentServerPlan;
  readonly #hashKey: string | Uint8Array;

  constructor(plan: IdentServerPlan) {
    this.#plan = plan;
    this.#hashKey = plan.hashKey ?? randomBytes(KEY_LENGTH);
  }

  /** The answer to a query that came from `remote` to `local`. Never rejects. */
  async answer(query: IdentQuery, local: IpAddress, remote: IpAddress): Promise<Uint8Array> {
    let reply: IdentReply;
    let line: Uint8Array;
    try {
      reply = await this.#replyTo(query, local, remote);
      line = encodeIdentReply(reply);
    } catch (cause) {
      const message = "the owner of a connection could not be told";
      this.report(new IdentError("ERR_SOCKS_IDENT_LOOKUP", message, { side: "local", cause }));
      reply = { type: "error", ...query, errorType: IDENT_ERROR.unknownError };
      line = encodeIdentReply(reply);
    }
    try {
      this.#plan.onAnswer?.({ asker: remote, reply });
    } catch (error) {
      this.report(error);
    }
    return line;
  }

  /** Tells of an error that is no asker's doing. */
  report(error: unknown): void {
    try {
      this.#plan.onError?.(
        error instanceof Error ? error : new IdentError("ERR_SOCKS_IDENT_LOOKUP", String(error), { side: "local" }),
      );
    } catch (cause) {
      process.emitWarning(
        `onError failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        "SockskitWarning",
      );
    }
  }

  async #replyTo(query: IdentQuery, local: IpAddress, remote: IpAddress): Promise<IdentReply> {
    const error = (errorType: string): IdentReply => ({ type: "error", ...query, errorType });
    if (!isPort(query.portOnServer) || !isPort(query.portOnClient)) return error(IDENT_ERROR.invalidPort);
    const owner = await this.#plan.lookup({
      local: withPort(local, query.portOnServer),
      remote: withPort(remote, query.portOnClient),
    });
    if (owner === undefined) return error(IDENT_ERROR.noUser);
    if (this.#plan.disclose === "hidden") return error(IDENT_ERROR.hiddenUser);
    const userId = this.#userIdOf(owner);
    if (userId === undefined) return error(IDENT_ERROR.unknownError);
    // Names beyond US-ASCII are sent as UTF-8, and say so.
    const charset = /^[ -~]*$/.test(userId) ? {} : { charset: "UTF-8" };
    const opsys = this.#plan.disclose === "hash" ? "OTHER" : this.#plan.opsys;
    return { type: "userid", ...query, opsys, ...charset, userId: new TextEncoder().encode(userId) };
  }

  #userIdOf({ name, uid }: IdentOwner): string | undefined {
    const { disclose } = this.#plan;
    const number = uid?.toString();
    if (typeof disclose === "object") return disclose.fixed;
    if (disclose === "uid") return number;
    const known = name ?? number;
    if (disclose !== "hash" || known === undefined) return known;
    return createHmac("sha256", this.#hashKey).update(known).digest().subarray(0, DIGEST_LENGTH).toString("base64url");
  }
}

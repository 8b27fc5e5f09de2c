import type { Socket } from "node:net";
import type { AuthVerdict, GssapiEvidence } from "@sockskit/auth";
import type { GssapiAcceptance, GssapiDatagrams } from "@sockskit/auth-gssapi";
import { clientKey } from "../limits/client-key.ts";
import { printable } from "../printable.ts";
import type { SessionHost } from "../session/host.ts";
import type { Denial } from "../session/rule-share.ts";
import type { SessionUser } from "../session/session-record.ts";
import type { Visitor } from "../transport/visitor.ts";

/** Why a client is not let in. */
interface GssapiRefusal {
  readonly code: string;
  readonly reason: string;
}

const LIMITED: GssapiRefusal = {
  code: "ERR_SOCKS_LIMIT",
  reason: "the limit of failed log-ins of this client is reached",
};

/** One client's way in by GSS-API, and the protection that it leaves behind. */
export class GssapiLogin {
  readonly #host: SessionHost;
  readonly #client: string;
  readonly #acceptance: GssapiAcceptance | undefined;
  #refusal: GssapiRefusal | undefined;
  #isProtecting = false;
  #isOver = false;

  constructor(host: SessionHost, { entrance, client }: Visitor) {
    this.#host = host;
    this.#client = clientKey(client);
    this.#acceptance = entrance.gssapi?.accept();
  }

  /** Why the client is not let in, once that is known. */
  get refusal(): GssapiRefusal | undefined {
    return this.#refusal;
  }

  /** Judges what the client showed, and says so later, unless the session is over by then. */
  judge(evidence: GssapiEvidence, answer: (verdict: AuthVerdict, user: SessionUser | undefined) => void): void {
    void this.#judge(evidence).then(({ verdict, user }) => {
      if (!this.#isOver) answer(verdict, user);
    });
  }

  /** Why a command cannot be had with this context; `undefined` when it can. */
  problemWith(command: string | undefined): Denial | undefined {
    if (!this.#isProtecting || this.#acceptance?.sequence === true || command === "udp-associate") return undefined;
    const reason = "the client's context does not keep messages in their order, which a stream needs";
    return { code: "ERR_SOCKS_GSSAPI_PROTECTION", reason, rule: undefined };
  }

  /** The connection with the protection taken off; it frees everything when it ends. */
  protect(socket: Socket): Socket {
    this.#isProtecting = true;
    return (this.#acceptance as GssapiAcceptance).protect(socket) as unknown as Socket;
  }

  /** Protects datagrams; `undefined` when nothing is protected. */
  datagrams(): GssapiDatagrams | undefined {
    return this.#isProtecting ? this.#acceptance?.datagrams() : undefined;
  }

  /** The session is over. */
  close(): void {
    this.#isOver = true;
    this.#acceptance?.dispose();
  }

  async #judge(evidence: GssapiEvidence): Promise<{ verdict: AuthVerdict; user: SessionUser | undefined }> {
    const { failures, tally } = this.#host;
    if (this.#acceptance === undefined || failures.isBlocked(this.#client)) {
      this.#refusal = LIMITED;
      tally.refusedLogins += 1;
      return { verdict: { accepted: false }, user: undefined };
    }
    const { verdict, principal, error } = await this.#acceptance.judge(evidence);
    if (error !== undefined) {
      this.#refusal = { code: error.code, reason: printable(Buffer.from(error.message)) };
      tally.failedLogins += 1;
      failures.count(this.#client);
    }
    if (!verdict.accepted || verdict.identity === undefined) return { verdict, user: undefined };
    tally.logins += 1;
    // What the client's realm chose must not forge a line of a log.
    const shown = printable(Buffer.from(principal ?? verdict.identity));
    return { verdict, user: { name: verdict.identity, groups: [], principal: shown } };
  }
}

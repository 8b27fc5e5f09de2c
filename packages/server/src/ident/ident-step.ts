import { askIdent, IdentError } from "@sockskit/identd";
import type { IpAddress } from "@sockskit/wire";
import type { IdentPlan } from "./ident-plan.ts";
import { type IdentResult, type IdentVerdict, judgeIdent } from "./verdict.ts";

/** What a client's host is asked about. */
export interface IdentQuestion {
  readonly client: IpAddress;
  /** Our end of the client's connection: the question comes from this address. */
  readonly local: IpAddress;
  /**
   * Whether this is a connection between the two. One that came through a balancer or a Unix socket is none that another
   * host knows of, and nobody is asked.
   */
  readonly isDirect: boolean;
}

/** Asks the host of one SOCKS 4 client who the client is. */
export class IdentStep {
  readonly #abort = new AbortController();
  readonly #answer: (verdict: IdentVerdict) => void;

  /** @param answer Called once, later; never after {@link cancel}. */
  constructor(answer: (verdict: IdentVerdict) => void) {
    this.#answer = answer;
  }

  /**
   * Begins. Nothing is thrown here.
   *
   * @param userid What the client gave as its user id.
   */
  start({ client, local, isDirect }: IdentQuestion, userid: Uint8Array, plan: IdentPlan): void {
    const { port, timeoutMs } = plan;
    const asked = isDirect
      ? askIdent({ remote: client, local, port, timeoutMs, signal: this.#abort.signal })
      : Promise.reject(
          new IdentError("ERR_SOCKS_IDENT_UNREACHABLE", "nobody knows of this connection", { side: "local" }),
        );
    void asked
      .catch((error: unknown): IdentResult => ({ type: "none", code: codeOf(error) }))
      .then((result) => {
        if (!this.#abort.signal.aborted) this.#answer(judgeIdent(result, userid, plan));
      });
  }

  /** The session is over. */
  cancel(): void {
    this.#abort.abort();
  }
}

function codeOf(error: unknown): string {
  return error instanceof IdentError ? error.code : "ERR_SOCKS_IDENT_UNREACHABLE";
}

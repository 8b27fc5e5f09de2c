import type { Socket } from "node:net";
import {
  AuthError,
  type AuthVerdict,
  grantProtection,
  type GssapiAcceptorCredentials,
  type GssapiContext,
  type GssapiContextInfo,
  type GssapiEvidence,
  type GssapiMechanism,
  type GssapiProtection,
  levelOf,
} from "@sockskit/auth";
import { GssapiDatagrams } from "../stream/gssapi-datagrams.ts";
import { GssapiStream } from "../stream/gssapi-stream.ts";
import type { Agreement } from "../stream/protection.ts";
import { sharedMechanism } from "../system-mechanism.ts";
import { userOf } from "./user.ts";

const DEFAULT_PROTECTION: readonly GssapiProtection[] = ["confidentiality", "integrity"];

/** How a server lets clients in with GSS-API. */
export interface AcceptorOptions {
  /** Path of the keytab with the service's keys. Default: the system's, `/etc/krb5.keytab`. */
  readonly keytab?: string | undefined;
  /** `rcmd@proxy.example.com`, or with a `/` a principal. Default: every key in the keytab. */
  readonly service?: string | undefined;
  /** What may be agreed on. Default: `["confidentiality", "integrity"]`. */
  readonly protection?: readonly GssapiProtection[] | undefined;
  /** Whether the answer is always no protection, for clients that cannot do any, such as curl. Default false. */
  readonly answerNone?: boolean | undefined;
  /** The mechanism. Default: the Kerberos library of the system. */
  readonly mechanism?: GssapiMechanism | undefined;
}

/** What became of a piece of evidence. */
export interface GssapiJudgement {
  /** For the handshake. */
  readonly verdict: AuthVerdict;
  /** Who the client is, such as `alice@EXAMPLE.COM`, once that is known. */
  readonly principal: string | undefined;
  /** Why the client is refused. */
  readonly error: AuthError | undefined;
}

/**
 * Gets the keys of a server.
 *
 * @throws AuthError `ERR_SOCKS_GSSAPI_NO_CREDENTIALS` when the keytab cannot be read or lacks the service,
 *   `ERR_SOCKS_GSSAPI_LIBRARY`.
 */
export async function createAcceptor(options: AcceptorOptions = {}): Promise<GssapiAcceptor> {
  const { keytab, service, mechanism = sharedMechanism() } = options;
  return new GssapiAcceptor(await mechanism.acquire({ keytab, service }), options);
}

/** Lets clients in. One value serves many connections. */
export class GssapiAcceptor {
  readonly #credentials: GssapiAcceptorCredentials;
  readonly #options: AcceptorOptions;

  constructor(credentials: GssapiAcceptorCredentials, options: AcceptorOptions) {
    this.#credentials = credentials;
    this.#options = options;
  }

  /** Begins one connection. Dispose what it gives, unless its stream was taken: that does it. */
  accept(): GssapiAcceptance {
    const { protection = DEFAULT_PROTECTION, answerNone = false } = this.#options;
    return new GssapiAcceptance(this.#credentials.accept(), protection, answerNone);
  }

  /** Frees the keys; connections that have begun go on. */
  dispose(): void {
    this.#credentials.dispose();
  }
}

/** The server's side of one connection. */
export class GssapiAcceptance {
  readonly #context: GssapiContext;
  readonly #allowed: readonly GssapiProtection[];
  readonly #answerNone: boolean;
  #info: GssapiContextInfo | undefined;
  #protection: GssapiProtection | undefined;

  constructor(context: GssapiContext, allowed: readonly GssapiProtection[], answerNone: boolean) {
    this.#context = context;
    this.#allowed = allowed;
    this.#answerNone = answerNone;
  }

  /** What was agreed on; `undefined` until then. */
  get protection(): GssapiProtection | undefined {
    return this.#protection;
  }

  /** Whether messages that are left out or come in another order are noticed. */
  get sequence(): boolean {
    return this.#info?.sequence === true;
  }

  /** Judges what a client showed. It does not reject: what fails is a refusal. */
  async judge(evidence: GssapiEvidence): Promise<GssapiJudgement> {
    try {
      const verdict = evidence.step === "context" ? await this.#goOn(evidence.token) : await this.#grant(evidence);
      return { verdict, principal: this.#info?.peer, error: undefined };
    } catch (cause) {
      return { verdict: { accepted: false }, principal: this.#info?.peer, error: errorOf(cause) };
    }
  }

  /** Puts the protection over a connection; it owns the context from then on. */
  protect(socket: Socket, early?: Uint8Array): GssapiStream {
    return new GssapiStream(socket, this.#agreement(), early);
  }

  /** Protects the datagrams that belong to the connection. */
  datagrams(): GssapiDatagrams {
    return new GssapiDatagrams(this.#agreement());
  }

  /** Frees it. */
  dispose(): void {
    this.#context.dispose();
  }

  async #goOn(arrived: Uint8Array): Promise<AuthVerdict> {
    const { token, established } = await this.#context.step(arrived);
    this.#info = established;
    return { accepted: false, token, complete: established !== undefined };
  }

  async #grant({ step, token }: GssapiEvidence): Promise<AuthVerdict> {
    const info = this.#info;
    if (info === undefined) throw refused("the client asks for a level before its context is complete");
    const isPlain = step === "level-unprotected";
    const octets = isPlain ? token : await this.#unwrapLevel(token);
    const [asked] = octets;
    if (asked === undefined || octets.length !== 1) throw refused("the client's protection level is not one octet");
    const options = { ...info, asked, allowed: this.#allowed, answerNone: this.#answerNone };
    const protection = grantProtection(options);
    if (protection === undefined)
      throw refused(`the client asks for the protection level ${asked}, which is not given`);
    this.#protection = protection;
    const answer = Uint8Array.of(levelOf(protection));
    const [response] = isPlain ? [answer] : await this.#context.wrap([answer], false);
    return { accepted: true, identity: userOf(info), response, protection };
  }

  async #unwrapLevel(token: Uint8Array): Promise<Uint8Array> {
    const { messages, error } = await this.#context.unwrap([token]);
    if (error !== undefined) throw error;
    const [unwrapped] = messages;
    if (unwrapped?.order !== "in-order") throw refused("the client's protection level is out of its order");
    return unwrapped.message;
  }

  #agreement(): Agreement {
    const info = this.#info;
    const protection = this.#protection;
    if (info !== undefined && protection !== undefined && protection !== "none") {
      return { context: this.#context, info, protection };
    }
    throw new AuthError("ERR_SOCKS_AUTH_PROTOCOL", "no protection was agreed on", { side: "local" });
  }
}

function refused(message: string): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_PROTECTION", message, { side: "remote" });
}

function errorOf(cause: unknown): AuthError {
  if (cause instanceof AuthError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new AuthError("ERR_SOCKS_GSSAPI_FAILED", `GSS-API failed: ${message}`, { side: "local", cause });
}

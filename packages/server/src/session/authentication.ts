import type { Socket } from "node:net";
import type { AuthEvidence, AuthVerdict, GssapiEvidence, SecureLayer } from "@sockskit/auth";
import { type LayeredConnection, openSslServer, type SslServerTls } from "@sockskit/dial";
import type { HandshakeError, HandshakeRequest } from "@sockskit/handshake";
import type { DatagramProtection } from "../associate/protected-datagrams.ts";
import { GssapiLogin } from "../gssapi/gssapi-login.ts";
import { IdentStep } from "../ident/ident-step.ts";
import type { IdentVerdict } from "../ident/verdict.ts";
import type { Visitor } from "../transport/visitor.ts";
import { type ClientCredentials, forwardable } from "../upstream/client-credentials.ts";
import type { SessionHost } from "./host.ts";
import { LoginStep } from "./login-step.ts";
import type { Replayed } from "./replay.ts";
import type { Denial } from "./rule-share.ts";
import type { Refusal, SessionUser } from "./session-record.ts";

/** The authentication of one session: who the client is, as far as its method has come, and what the method leaves behind. */
export class Authentication {
  readonly #host: SessionHost;
  readonly #visitor: Visitor;
  #login: LoginStep | undefined;
  /** At first, whom a certificate names. */
  #user: SessionUser | undefined;
  #credentials: ClientCredentials | undefined;
  #layered: LayeredConnection | undefined;
  #gssapi: GssapiLogin | undefined;
  #ident: IdentStep | undefined;

  constructor(host: SessionHost, visitor: Visitor) {
    this.#host = host;
    this.#visitor = visitor;
    this.#user = visitor.user;
  }

  /** Takes the result of a log-in that was judged before: says who the client is. */
  resume({ user, evidence }: Replayed): SessionUser | undefined {
    this.#user = user;
    this.#credentials = user && evidence && forwardable(evidence, this.#host.settings.upstreams);
    return user;
  }

  /**
   * Has evidence judged.
   *
   * @param answer Called once, perhaps at once. `triedName` is the name, printable, of who was refused.
   */
  judge(evidence: AuthEvidence, answer: (verdict: AuthVerdict, triedName: string | undefined) => void): void {
    if (evidence.type === "gssapi") return this.#judgeToken(evidence, answer);
    this.#login = new LoginStep(this.#host, ({ verdict, user, triedName }) => {
      this.#login = undefined;
      this.#user = user;
      this.#credentials = user && forwardable(evidence, this.#host.settings.upstreams);
      answer(verdict, triedName);
    });
    return this.#login.start(evidence, this.#visitor.client);
  }

  /** Why a client is refused, in the words of whoever judged it. */
  refusal({ stage, code, message, rep }: HandshakeError): Refusal {
    return { stage, code, reason: message, rep, ...this.#gssapi?.refusal };
  }

  /** Why a command cannot be had after this method; `undefined` when it can. */
  problemWith(command: string | undefined): Denial | undefined {
    return this.#gssapi?.problemWith(command);
  }

  /** Protects the client's datagrams; `undefined` when nothing does. */
  datagrams(): DatagramProtection | undefined {
    return this.#gssapi?.datagrams();
  }

  /**
   * Puts the layer that a method left behind over the client's connection. That belongs to the layer from here on, and is
   * destroyed when it fails.
   *
   * @returns What stands in for the connection.
   * @throws AuthError When the two sides do not come to a layer.
   */
  async openLayer(layer: SecureLayer, socket: Socket): Promise<Socket> {
    if (layer.type === "gssapi" && this.#gssapi !== undefined) return this.#gssapi.protect(socket);
    this.#layered = await openSslServer(socket, this.#visitor.entrance.ssl as SslServerTls);
    return this.#layered.socket;
  }

  /**
   * The request comes next: says who the client is.
   *
   * @param identity Whom the method names; a method inside MAF can do that without a verdict of ours.
   */
  finish(identity: string | undefined): SessionUser | undefined {
    this.#layered?.authenticated?.();
    if (identity !== undefined && identity !== this.#user?.name) this.#user = { name: identity, groups: [] };
    return this.#user;
  }

  /**
   * SOCKS 4 has no log-in; where that is wanted, the client's host is asked who the client is.
   *
   * @param answer Called once, later, when somebody is asked.
   * @returns Whether somebody is.
   */
  identify({ version, userId }: HandshakeRequest, answer: (verdict: IdentVerdict) => void): boolean {
    const { ident: plan } = this.#host.settings;
    if (plan === undefined || version !== 4) return false;
    this.#ident = new IdentStep(answer);
    this.#ident.start(this.#visitor, userId ?? new Uint8Array(0), plan);
    return true;
  }

  /** What the client logged in with, where upstreams are to be shown it; given once. */
  takeCredentials(): ClientCredentials | undefined {
    const credentials = this.#credentials;
    this.#credentials = undefined;
    return credentials;
  }

  /** Nobody waits for a verdict any more. */
  cancel(): void {
    this.#ident?.cancel();
    this.#login?.cancel();
  }

  /** The session is over: what protects its connection is given back. */
  close(): void {
    this.cancel();
    this.#gssapi?.close();
  }

  #judgeToken(evidence: GssapiEvidence, answer: (verdict: AuthVerdict, triedName: undefined) => void): void {
    this.#gssapi ??= new GssapiLogin(this.#host, this.#visitor);
    this.#gssapi.judge(evidence, (verdict, user) => {
      this.#user = user;
      answer(verdict, undefined);
    });
  }
}

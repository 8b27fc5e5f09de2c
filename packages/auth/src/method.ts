import type { AuthError } from "./errors.ts";
import type { AuthEvidence, AuthVerdict } from "./evidence.ts";
import type { SecureLayer } from "./layer.ts";
import type { AuthAnswer, AuthQuestion } from "./question.ts";

/**
 * What an exchange wants next.
 *
 * `consumed` counts octets of the array given to `receive`; the rest stays with the caller, who gives
 * it again with whatever follows.
 */
export type AuthStep = AuthIncomplete | AuthContinue | AuthSend | AuthSecure | AuthDone | AuthFailed;

/** More octets are needed; nothing was consumed. */
export interface AuthIncomplete {
  /** Tag of the union. */
  readonly type: "incomplete";
}

/** A message was read that needs no answer: call `receive` again when octets are left or arrive. */
export interface AuthContinue {
  /** Tag of the union. */
  readonly type: "continue";
  /** Octets of the input that were used; in a step of `receive` at least one. */
  readonly consumed: number;
}

/** Send octets, then call `receive` again when octets are left or arrive. */
export interface AuthSend {
  /** Tag of the union. */
  readonly type: "send";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** Octets to send; may hold a secret. */
  readonly data: Uint8Array;
}

/**
 * Every octet behind this step is protected, the SOCKS request included: put the layer in place, then call `secured`.
 * What was received and not consumed belongs to the layer.
 */
export interface AuthSecure {
  /** Tag of the union. */
  readonly type: "secure";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** Last octets to send without the layer, if there are any. */
  readonly send?: Uint8Array | undefined;
  /** What protects the rest. */
  readonly layer: SecureLayer;
}

/** The exchange succeeded; the SOCKS request comes next. */
export interface AuthDone {
  /** Tag of the union. */
  readonly type: "done";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** Last octets of the exchange to send, if there are any. */
  readonly send?: Uint8Array | undefined;
  /** Server side: who the client is, as the verdict said. */
  readonly identity?: string | undefined;
  /** Whether UDP ASSOCIATE is out of the question, because the method protects the connection and not datagrams. */
  readonly withoutUdp?: boolean | undefined;
  /** What the peer did that is off the specification but was let pass. */
  readonly warning?: string | undefined;
}

/** The exchange failed; the connection must be closed (RFC 1929 section 2). */
export interface AuthFailed {
  /** Tag of the union. */
  readonly type: "failed";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** What to send before closing, if the method has an answer for failure. */
  readonly send?: Uint8Array | undefined;
  /** Why. */
  readonly error: AuthError;
}

/** The server side has evidence to check: find a verdict, then call `resolve`. */
export interface AuthVerify {
  /** Tag of the union. */
  readonly type: "verify";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** What the client showed. */
  readonly evidence: AuthEvidence;
}

/** A step of a server exchange: one of both sides, or evidence to check. */
export type ServerAuthStep = AuthStep | AuthVerify;

/** The client side has a question to a person or a program: find an answer, then call `answer`. */
export interface AuthAsk {
  /** Tag of the union. */
  readonly type: "ask";
  /** Octets of the input that were used. */
  readonly consumed: number;
  /** What the server wants to know. */
  readonly question: AuthQuestion;
}

/** A step of a client exchange: one of both sides, or a question. */
export type ClientAuthStep = AuthStep | AuthAsk;

/** What both sides of a method say about themselves. */
export interface AuthMethod {
  /** `METHOD` octet, 0x00 to 0xfe (RFC 1928 section 3). */
  readonly method: number;
  /** Short name for people and configuration, such as `userpass`. */
  readonly name: string;
  /** Whether the method finishes without an octet in either direction, as `none` does. Default false. */
  readonly immediate?: boolean | undefined;
}

/** The client side of an authentication method. One value serves many connections. */
export interface ClientAuthMethod extends AuthMethod {
  /** Starts one exchange, for one connection. */
  start(): ClientAuthExchange;
}

/** The server side of an authentication method. One value serves many connections. */
export interface ServerAuthMethod extends AuthMethod {
  /** Starts one exchange, for one connection. */
  start(): ServerAuthExchange;
}

/** One run of a method on one connection, client side. It does no I/O and never throws for what a peer sends. */
export interface ClientAuthExchange {
  /** Most octets that one message of the peer can have; more without a step is a protocol error. */
  readonly maxMessageLength: number;
  /** First octets to send, or `undefined` when the server speaks first. Called once. */
  begin(): Uint8Array | undefined;
  /**
   * Goes on with what arrived. Not called between an `ask` step and `answer`, or a `secure` step and `secured`.
   *
   * @param bytes - Everything that was received and not consumed yet. No reference to it is kept.
   */
  receive(bytes: Uint8Array): ClientAuthStep;
  /**
   * Goes on with the answer to the question of the last `ask` step. The step consumes nothing. Only methods that
   * ask have it.
   *
   * @param answer - What the person or program said.
   * @throws AuthError `ERR_SOCKS_AUTH_PROTOCOL` (local) when no answer is awaited.
   */
  answer?(answer: AuthAnswer): AuthStep;
  /**
   * Goes on: the layer of the last `secure` step is in place, and octets are plain ones inside it from here on. The
   * step consumes nothing. Only methods that protect have it.
   *
   * @throws AuthError `ERR_SOCKS_AUTH_PROTOCOL` (local) when no layer is awaited.
   */
  secured?(): AuthStep;
}

/** One run of a method on one connection, server side. It does no I/O and never throws for what a peer sends. */
export interface ServerAuthExchange {
  /** Most octets that one message of the peer can have; more without a step is a protocol error. */
  readonly maxMessageLength: number;
  /**
   * What its `verify` steps show, all of them: a server then refuses to start where nobody could judge it. Absent: nothing,
   * or it is not known.
   */
  readonly evidence?: AuthEvidence["type"] | undefined;
  /**
   * Goes on with what arrived. Not called between a `verify` step and `resolve`, or a `secure` step and `secured`.
   *
   * @param bytes - Everything that was received and not consumed yet. No reference to it is kept.
   */
  receive(bytes: Uint8Array): ServerAuthStep;
  /**
   * Goes on with the verdict on the evidence of the last `verify` step. The step consumes nothing.
   *
   * @param verdict - Whether the evidence holds.
   * @throws AuthError `ERR_SOCKS_AUTH_PROTOCOL` (local) when no verdict is awaited.
   */
  resolve(verdict: AuthVerdict): AuthStep;
  /**
   * Goes on: the layer of the last `secure` step is in place, and octets are plain ones inside it from here on. The
   * step consumes nothing. Only methods that protect have it.
   *
   * @throws AuthError `ERR_SOCKS_AUTH_PROTOCOL` (local) when no layer is awaited.
   */
  secured?(): AuthStep;
}

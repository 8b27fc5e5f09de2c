import type { AuthError } from "./errors.ts";

/**
 * What an exchange wants next.
 *
 * `consumed` counts octets of the array given to `receive`; the rest stays with the caller, who gives
 * it again with whatever follows.
 */
export type AuthStep = AuthIncomplete | AuthSend | AuthDone | AuthFailed;

/** More octets are needed; nothing was consumed. */
export interface AuthIncomplete {
  /** Tag of the union. */
  readonly type: "incomplete";
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

/** A step of a server exchange: as a client's, or a question to its owner. */
export type ServerAuthStep = AuthStep | AuthVerify;

/**
 * What a client showed with RFC 1929, as octets.
 *
 * Either may be empty (the credential check decides about that) and may hold any octet, `00`
 * included: compare whole arrays, never C strings. Instances that this package makes keep the
 * password out of `JSON.stringify`, of console output and of structured clones: read it by its name.
 */
export interface UserPassEvidence {
  /** Tag of the union. */
  readonly type: "userpass";
  /** `UNAME`, 0 to 255 octets, usually UTF-8. */
  readonly username: Uint8Array;
  /** `PASSWD`, 0 to 255 octets, usually UTF-8. */
  readonly password: Uint8Array;
}

/** What a client showed, by method; the union grows with the methods. */
export type AuthEvidence = UserPassEvidence;

/** The answer to evidence: accepted, perhaps under a name, or not. */
export type AuthVerdict = AuthAccepted | AuthRejected;

/** The evidence holds. */
export interface AuthAccepted {
  /** Tag of the union. */
  readonly accepted: true;
  /** Who the client is; what rules and logs see. Absent: authenticated, but nameless. */
  readonly identity?: string | undefined;
}

/** The evidence does not hold. */
export interface AuthRejected {
  /** Tag of the union. */
  readonly accepted: false;
}

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
   * Goes on with what arrived.
   *
   * @param bytes - Everything that was received and not consumed yet. No reference to it is kept.
   */
  receive(bytes: Uint8Array): AuthStep;
}

/** One run of a method on one connection, server side. It does no I/O and never throws for what a peer sends. */
export interface ServerAuthExchange {
  /** Most octets that one message of the peer can have; more without a step is a protocol error. */
  readonly maxMessageLength: number;
  /**
   * Goes on with what arrived. Not called between a `verify` step and `resolve`.
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
}

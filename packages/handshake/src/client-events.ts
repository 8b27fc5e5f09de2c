import type { AuthQuestion, SecureLayer } from "@sockskit/auth";
import type { Address } from "@sockskit/wire";

import type { HandshakeError } from "./errors.ts";

/** What a {@link ClientHandshake} tells its owner. */
export type ClientEvent =
  | ClientSendEvent
  | ClientProgressEvent
  | ClientQuestionEvent
  | ClientSecureEvent
  | ClientListeningEvent
  | ClientEstablishedEvent
  | ClientFailedEvent;

/** Send octets to the proxy. */
export interface ClientSendEvent {
  /** Tag of the union. */
  readonly type: "send";
  /** What to send. */
  readonly data: Uint8Array;
  /** Whether `data` may hold a secret, because an authentication method made it or it is early data: do not show it. */
  readonly secret: boolean;
  /** Whether it is the early data. Default false. */
  readonly early?: boolean;
}

/** A step of a SOCKS 5 handshake is done. */
export interface ClientProgressEvent {
  /** Tag of the union. */
  readonly type: "progress";
  /** What is done. */
  readonly step: "method-selected" | "authenticated";
  /** `METHOD` octet that the proxy chose. */
  readonly method: number;
  /** Name of that method. */
  readonly methodName: string;
  /** What the proxy did that is off the specification but was let pass. */
  readonly warning: string | undefined;
}

/** The chosen method has a question to a person or a program: find the answer, then call `answer(...)`. */
export interface ClientQuestionEvent {
  /** Tag of the union. */
  readonly type: "question";
  /** `METHOD` octet of the chosen method. */
  readonly method: number;
  /** Name of the chosen method. */
  readonly methodName: string;
  /** What the proxy wants to know. */
  readonly question: AuthQuestion;
}

/**
 * The chosen method protects everything from here on. Put a layer over the connection, give it what
 * `takeTrailingData()` has, then call `secured()`: from then on all octets of the machine go through the layer.
 */
export interface ClientSecureEvent {
  /** Tag of the union. */
  readonly type: "secure";
  /** `METHOD` octet of the chosen method. */
  readonly method: number;
  /** Name of the chosen method. */
  readonly methodName: string;
  /** What was agreed on. */
  readonly layer: SecureLayer;
}

/** The proxy listens for the peer of a BIND; `established` follows when the peer has connected. */
export interface ClientListeningEvent {
  /** Tag of the union. */
  readonly type: "listening";
  /** Where the proxy listens; an unspecified address means the proxy's own. `undefined` when unreadable. */
  readonly boundAddress: Address | undefined;
  /** `REP` or `CD` octet. */
  readonly reply: number;
}

/** The tunnel is open. Take `takeTrailingData()` first, then read the connection. */
export interface ClientEstablishedEvent {
  /** Tag of the union. */
  readonly type: "established";
  /**
   * CONNECT: the proxy's end of the connection, informational and often zeros. BIND: who connected.
   * UDP ASSOCIATE: where to send datagrams; an unspecified address means the proxy's own. RESOLVE, RESOLVE_PTR: the
   * answer, an address or a name; the connection carries nothing more.
   * `undefined` when the proxy sent something that is no address, and with HTTP.
   */
  readonly boundAddress: Address | undefined;
  /** `REP` or `CD` octet; the status of an HTTP proxy. */
  readonly reply: number;
}

/** It is over; close the connection. */
export interface ClientFailedEvent {
  /** Tag of the union. */
  readonly type: "failed";
  /** Why. */
  readonly error: HandshakeError;
}

import type { AuthEvidence, SecureLayer } from "@sockskit/auth";
import type { Address } from "@sockskit/wire";

import type { HandshakeError } from "./errors.ts";

/**
 * A SOCKS command in a person's words: those of RFC 1928 section 4, and Tor's look-ups of a name's address (`resolve`,
 * F0, also in SOCKS 4) and of an address's name (`resolve-ptr`, F1).
 */
export type HandshakeCommand = "connect" | "bind" | "udp-associate" | "resolve" | "resolve-ptr";

/** What a client asked for. */
export interface HandshakeRequest {
  /** SOCKS version. */
  readonly version: 4 | 5;
  /** Version with the 4A form told apart. */
  readonly variant: "4" | "4a" | "5";
  /** The command, or `undefined` for one that has no name; then see `cmd`. */
  readonly command: HandshakeCommand | undefined;
  /** `CMD` (SOCKS 5) or `CD` (SOCKS 4) octet. */
  readonly cmd: number;
  /**
   * Where to. For `bind` the expected peer, for `udp-associate` where the client will send from, for `resolve` and
   * `resolve-ptr` what is looked up, with port 0.
   */
  readonly destination: Address;
  /** SOCKS 4 `USERID`: what the client says, proven by nothing. Absent with SOCKS 5. */
  readonly userId: Uint8Array | undefined;
  /** `METHOD` octet that authenticated the client. Absent with SOCKS 4. */
  readonly method: number | undefined;
  /** Name of that method. Absent with SOCKS 4. */
  readonly methodName: string | undefined;
  /** Who the client is, as the verdict said. */
  readonly identity: string | undefined;
}

/** The owner's answer to a request. */
export interface ServerReply {
  /** `REP` octet: 00 for success. With SOCKS 4 success is 5a and everything else 5b. */
  readonly rep: number;
  /**
   * `BND.ADDR` and `BND.PORT` of a success; for `resolve` and `resolve-ptr` the answer. Default zeros; SOCKS 4 sends
   * zeros for anything but IPv4, and failures always carry zeros.
   */
  readonly boundAddress?: Address | undefined;
  /** `CD` octet of a failure for SOCKS 4, instead of 5b: 5c or 5d when ident said so. SOCKS 5 does not look at it. */
  readonly cd?: number | undefined;
}

/** What a {@link ServerHandshake} tells its owner. */
export type ServerEvent =
  | ServerSendEvent
  | ServerAuthenticateEvent
  | ServerSecureEvent
  | ServerAuthenticatedEvent
  | ServerRequestEvent
  | ServerFailedEvent;

/** Send octets to the client. */
export interface ServerSendEvent {
  /** Tag of the union. */
  readonly type: "send";
  /** What to send. */
  readonly data: Uint8Array;
}

/** Check evidence, then call `authenticated(verdict)`. Until then nothing of the client is acted upon. */
export interface ServerAuthenticateEvent {
  /** Tag of the union. */
  readonly type: "authenticate";
  /** `METHOD` octet of the chosen method. */
  readonly method: number;
  /** Name of the chosen method. */
  readonly methodName: string;
  /** What the client showed. */
  readonly evidence: AuthEvidence;
}

/**
 * The chosen method protects everything from here on. Put a layer over the connection, give it what
 * `takeTrailingData()` has, then call `secured()`: from then on all octets of the machine go through the layer.
 */
export interface ServerSecureEvent {
  /** Tag of the union. */
  readonly type: "secure";
  /** `METHOD` octet of the chosen method. */
  readonly method: number;
  /** Name of the chosen method. */
  readonly methodName: string;
  /** What was agreed on. */
  readonly layer: SecureLayer;
}

/** The chosen method finished with success. SOCKS 4 has none, and so no such event. */
export interface ServerAuthenticatedEvent {
  /** Tag of the union. */
  readonly type: "authenticated";
  /** `METHOD` octet of the chosen method. */
  readonly method: number;
  /** Name of the chosen method. */
  readonly methodName: string;
  /** Who the client is, as the verdict said. */
  readonly identity: string | undefined;
}

/** Do what the client asks, then call `reply(...)`. */
export interface ServerRequestEvent {
  /** Tag of the union. */
  readonly type: "request";
  /** What the client asked for. */
  readonly request: HandshakeRequest;
}

/** It is over. A failure reply, where the protocol has one, was sent before; half-close the connection. */
export interface ServerFailedEvent {
  /** Tag of the union. */
  readonly type: "failed";
  /** Why. */
  readonly error: HandshakeError;
}

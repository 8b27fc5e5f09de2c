import type { HandshakeCommand } from "@sockskit/handshake";
import type { Address, IpAddress, Network } from "@sockskit/wire";

import type { ProxyVersion } from "../discovery/discovery-options.ts";
import type { HopReference, SocksStage } from "../errors.ts";

/** A step of the way, for people who want to watch. Events are plain data without secrets. */
export type ProgressEvent = ProgressContext & ProgressStep;

/** What every {@link ProgressEvent} carries. */
export interface ProgressContext {
  /** Milliseconds since the call. */
  readonly elapsedMs: number;
  /** The proxy concerned; absent when the destination itself is dialled. */
  readonly hop?: HopReference | undefined;
}

/** What happened; `step` tells which. */
export type ProgressStep =
  | ResolvedStep
  | DirectStep
  | DialStep
  | AttemptFailedStep
  | VersionFoundStep
  | VersionFailedStep
  | MethodStep
  | ProxyHeaderStep
  | SecuredStep
  | HttpAnswerStep
  | EstablishedStep;

/** A name was looked up on this side, because the scheme of the proxy says so. */
export interface ResolvedStep {
  /** Tag of the union. */
  readonly step: "resolved";
  /** The name of what the proxy is asked for: the next proxy or the destination. */
  readonly name: string;
  /** What was found, with port 0. */
  readonly addresses: readonly IpAddress[];
}

/** The proxy is left out: its URL lists the destination as directly connected. */
export interface DirectStep {
  /** Tag of the union. */
  readonly step: "direct";
  /** The destination. */
  readonly address: IpAddress;
  /** The networks that the URL lists. */
  readonly networks: readonly Network[];
}

/** A TCP connection is being opened, or is open. Several addresses may be tried at the same time. */
export interface DialStep {
  /** Tag of the union. */
  readonly step: "dialling" | "connected";
  /** Where to. */
  readonly address: IpAddress;
}

/** One address did not work; others may. */
export interface AttemptFailedStep {
  /** Tag of the union. */
  readonly step: "attempt-failed";
  /** The address. */
  readonly address: IpAddress;
  /** Why; usually a system error with `code`. */
  readonly error: Error;
}

/** A proxy given as `auto` answered in this version. */
export interface VersionFoundStep {
  /** Tag of the union. */
  readonly step: "version-found";
  /** The version; `"4"` also when nobody knows whether it takes names (4A). */
  readonly version: ProxyVersion;
  /** Whether it was known from an earlier connection. */
  readonly remembered: boolean;
}

/** A proxy given as `auto` does not seem to speak this version; the next is tried, if one is left. */
export interface VersionFailedStep {
  /** Tag of the union. */
  readonly step: "version-failed";
  /** The version. */
  readonly version: ProxyVersion;
  /**
   * `closed`: it ended the connection without an answer. `silent`: it gave none in time. `other-version`: it answered in
   * another version. `name-refused`: it answered, but refused the name; it may take addresses only. `no-method`: it takes
   * no method that is offered; it may want a password, or serve SOCKS 4 only.
   */
  readonly reason: "closed" | "silent" | "other-version" | "name-refused" | "no-method";
}

/** SOCKS 5: the proxy chose a method, or the method is done. */
export interface MethodStep {
  /** Tag of the union. */
  readonly step: "method-selected" | "authenticated";
  /** The `METHOD` octet. */
  readonly method: number;
  /** Name of the method. */
  readonly methodName: string;
  /** What the proxy did that is off the specification, and was let pass. */
  readonly warning?: string | undefined;
}

/** A header of the PROXY protocol was sent. */
export interface ProxyHeaderStep {
  /** Tag of the union. */
  readonly step: "proxy-header";
  /** Version of the header. */
  readonly version: 1 | 2;
  /** Who it says the client is. */
  readonly source: IpAddress;
  /** What it says the client connected to. */
  readonly destination: IpAddress;
}

/** TLS with the proxy is there. What comes from its certificate is printable, and at most 200 characters each. */
export interface SecuredStep {
  /** Tag of the union. */
  readonly step: "secured";
  /** Version, for example `TLSv1.3`. */
  readonly protocol: string;
  /** Cipher suite, in the words of the IANA registry or of OpenSSL. */
  readonly cipher: string;
  /** Whom the certificate is for: its common name, or organisation; empty when it has neither. */
  readonly subject: string;
  /** Who issued it, likewise. */
  readonly issuer: string;
  /** Until when it is valid, as OpenSSL writes it. */
  readonly validTo: string;
  /** Its SHA-256 fingerprint, hexadecimal with colons. */
  readonly fingerprint256: string;
  /** Why it would not have been accepted, where `rejectUnauthorized` is `false`. */
  readonly problem?: string;
}

/** An HTTP proxy answered. */
export interface HttpAnswerStep {
  /** Tag of the union. */
  readonly step: "http-answer";
  /** The status, 100 to 999. Below 200 another answer follows. */
  readonly status: number;
  /** The reason phrase, printable; often empty. */
  readonly reason: string;
}

/**
 * The proxy granted the request; after the last hop the tunnel is open. `listening`: it listens for the peer of a BIND;
 * `established` follows when the peer came.
 */
export interface EstablishedStep {
  /** Tag of the union. */
  readonly step: "listening" | "established";
  /** What the proxy was asked to do. */
  readonly command: HandshakeCommand;
  /** What it was asked for: the next proxy, the destination, the peer of a BIND, what to look up; zeros with UDP ASSOCIATE. */
  readonly destination: Address;
  /** The `REP` or `CD` octet; the status of an HTTP proxy. */
  readonly reply: number;
  /**
   * The near end of the proxy's own connection, as it told; often zeros. BIND: where it listens, then who connected. UDP
   * ASSOCIATE: where it takes datagrams. RESOLVE, RESOLVE_PTR: the answer.
   */
  readonly boundAddress: Address | undefined;
}

/** Octets of a handshake as they were sent or received, secrets masked. */
export interface OctetsEvent {
  /** Milliseconds since the call. */
  readonly elapsedMs: number;
  /** The proxy they were sent to or came from. */
  readonly hop: HopReference;
  /** `sent` by this side or `received`. */
  readonly direction: "sent" | "received";
  /** What was going on. */
  readonly stage: SocksStage;
  /** The octets, a copy. Secret ones were replaced by eight octets 2a, whatever their number. */
  readonly octets: Uint8Array;
  /** Index of the first octet that stands for a secret; absent when all are genuine. */
  readonly maskedFrom?: number | undefined;
}

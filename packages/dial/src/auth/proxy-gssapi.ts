import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { GssapiAnswer, GssapiQuestion } from "@sockskit/auth";
import type { ProxyUrlGssapi } from "@sockskit/url";

/** What GSS-API needs, RFC 1961: `GssapiInitiator` of `@sockskit/auth-gssapi` has it. */
export interface ProxyGssapi {
  /** Whether the protection level travels unprotected, unless the URL of the proxy says so. */
  readonly nec: boolean;
  /** Begins one connection. */
  start(options: ProxyGssapiOptions): ProxyGssapiContext;
}

/** One proxy, and what for; with what its URL says, which counts before what else is known. */
export interface ProxyGssapiOptions extends ProxyUrlGssapi {
  /** Host of the proxy, as its URL names it. */
  readonly host: string;
  /** Whether datagrams are to be protected as well. */
  readonly datagrams: boolean;
}

/** The client's side of one connection. */
export interface ProxyGssapiContext {
  /** Answers a question of the method; what fails is an answer as well. */
  answer(question: GssapiQuestion): Promise<GssapiAnswer>;
  /** Puts the protection over the connection; from then on it frees the context when it ends. */
  protect(socket: Socket): Duplex;
  /** Protects the datagrams that belong to the connection. */
  datagrams(): DatagramProtection;
  /** Frees the context. */
  dispose(): void;
}

/** Protects datagrams one by one, in their order. */
export interface DatagramProtection {
  /** The longest SOCKS datagram that fits, header included. */
  readonly maxLength: number;
  /** Protects a datagram; `undefined` when it cannot be sent. */
  seal(datagram: Uint8Array): Promise<Uint8Array | undefined>;
  /** Takes the protection off; `undefined` when it is to be dropped. */
  open(datagram: Uint8Array): Promise<Uint8Array | undefined>;
}

import type { GssapiAbilities } from "./gssapi-protection.ts";

/** What a context says next. */
export interface GssapiStep {
  /** The token for the other side; empty when there is nothing to say. */
  readonly token: Uint8Array;
  /** What is known of the context once this side of it is complete; `undefined` until then. */
  readonly established: GssapiContextInfo | undefined;
}

/** What is known of a complete context. */
export interface GssapiContextInfo extends GssapiAbilities {
  /** Whether messages that are left out or come in another order are noticed. */
  readonly sequence: boolean;
  /** Who is on the other side, such as `alice@EXAMPLE.COM`. */
  readonly peer: string;
  /** Who this side is, such as `rcmd/proxy.example.com@EXAMPLE.COM`. */
  readonly self: string;
  /** How long it may be used from now on, in milliseconds; `Infinity` when for ever. */
  readonly lifetimeMs: number;
  /** The longest message whose token has at most 65531 octets, by protection. */
  readonly messageLimits: {
    /** In octets, where messages are protected against changes only. */
    readonly integrity: number;
    /** In octets, where they are protected against readers as well. */
    readonly confidentiality: number;
  };
}

/** A message that arrived, and where it stands among the others. */
export interface GssapiMessage {
  /** Its octets; none when it is not `in-order` and the mechanism keeps such messages back. */
  readonly message: Uint8Array;
  /** Whether it was protected against readers. */
  readonly confidential: boolean;
  /** `gap`: others are missing before it. `late`: it comes behind later ones. `old` or `repeated`: drop it. */
  readonly order: "in-order" | "gap" | "late" | "old" | "repeated";
}

/** What {@link GssapiContext.unwrap} found. */
export interface GssapiUnwrapped {
  /** The messages, up to the first token that is wrong. */
  readonly messages: readonly GssapiMessage[];
  /** Why the token after them is none of this context. */
  readonly error: Error | undefined;
}

/**
 * One security context, from its first token to its end. Calls on one context run one after the other, in their order.
 * What fails is an `AuthError`, with one of the codes for GSS-API.
 */
export interface GssapiContext {
  /**
   * Goes on with a token of the other side.
   *
   * @param token - What arrived; `undefined` in the first call of an initiator.
   */
  step(token: Uint8Array | undefined): Promise<GssapiStep>;
  /** Makes a token of each message. No reference to the messages is kept. */
  wrap(messages: readonly Uint8Array[], confidential: boolean): Promise<readonly Uint8Array[]>;
  /** Takes the messages out of tokens. No reference to the tokens is kept. */
  unwrap(tokens: readonly Uint8Array[]): Promise<GssapiUnwrapped>;
  /** Frees it, as soon as nothing runs on it any more. It may be called at any time, and again. */
  dispose(): void;
}

/** Credentials of a client: its tickets, a keytab, or a password. */
export type GssapiCredentials =
  | {
      /** Tag of the union: tickets that `kinit` or a log-in has got. */
      readonly type: "ccache";
      /** Which cache, such as `FILE:/tmp/krb5cc_1000`. Default: the user's own. */
      readonly ccache?: string | undefined;
    }
  | {
      /** Tag of the union: a file with the client's key. */
      readonly type: "keytab";
      /** Path of the file. */
      readonly keytab: string;
    }
  | {
      /** Tag of the union: a password. It is not shown anywhere. */
      readonly type: "password";
      /** The password. */
      readonly password: string;
    };

/** What a client's context is made of. */
export interface GssapiInitiateOptions {
  /** The service to reach: `rcmd@host`, or with a `/` a principal such as `rcmd/host@REALM`. */
  readonly service: string;
  /** Who the client is, such as `alice` or `alice@REALM`. Default: whoever the credentials belong to. */
  readonly principal?: string | undefined;
  /** Where the client's tickets come from. Default: the user's own. */
  readonly credentials?: GssapiCredentials | undefined;
  /** Whether messages are to be kept in order: not where datagrams are to be protected. */
  readonly sequence: boolean;
}

/** What a server's contexts are made of. */
export interface GssapiAcceptOptions {
  /** Path of the keytab. Default: the system's, `/etc/krb5.keytab`. */
  readonly keytab?: string | undefined;
  /** `rcmd@host`, or with a `/` a principal. Default: every key in the keytab. */
  readonly service?: string | undefined;
}

/** What a server accepts contexts with. */
export interface GssapiAcceptorCredentials {
  /** Begins the server's side of one context. */
  accept(): GssapiContext;
  /** Frees the credentials, as soon as no context is being made with them any more. */
  dispose(): void;
}

/** A mechanism of GSS-API: the system's Kerberos library, or one of your own. */
export interface GssapiMechanism {
  /** Begins the client's side of one context. */
  initiate(options: GssapiInitiateOptions): GssapiContext;
  /** Gets what a server needs; it rejects when the keytab cannot be read or lacks the service. */
  acquire(options: GssapiAcceptOptions): Promise<GssapiAcceptorCredentials>;
}

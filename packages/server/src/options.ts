import type { MafServerOptions } from "@sockskit/auth";
import type { ProxyHop, ProxyTlsOptions, Resolver } from "@sockskit/dial";
import type { ProxyProtocolVersion, RuleConfig } from "@sockskit/policy";
import type { ChallengeCallback } from "./credentials/challenge.ts";
import type { CredentialStore } from "./credentials/credential-store.ts";
import type { GssapiOptions } from "./gssapi/gssapi-options.ts";
import type { PortRange } from "./ports/port-range.ts";
import type { UserConfig } from "./credentials/user.ts";

/**
 * An authentication method by name:
 *
 * - `"none"`: nobody is asked (00).
 * - `"userpass"`: user name and password, in clear (02, RFC 1929).
 * - `"chap"`: the password is proven and does not travel (03). Needs users with `{ plain }`.
 * - `"cram"`: questions to a person, answers in clear (05).
 * - `"gssapi"`: Kerberos, with everything after it protected (01, RFC 1961). Needs `@sockskit/auth-gssapi`.
 * - `"ssl"`: TLS inside SOCKS, and one of the other methods in it (06).
 * - `"maf"`: methods of your own, one after the other (08).
 */
export type AuthMethodName = "none" | "userpass" | "chap" | "cram" | "gssapi" | "ssl" | "maf";

/** TLS inside SOCKS, method 06. */
export interface SslOptions {
  /** The certificate in PEM, followed by those that lead to an authority. */
  readonly cert: string | Uint8Array;
  /** Its private key in PEM, without a passphrase. */
  readonly key: string | Uint8Array;
  /** Methods inside TLS, most preferred first: any but `"ssl"` and `"gssapi"`. Default: `["userpass"]` with `credentials`, else `["none"]`. */
  readonly authMethods?: readonly Exclude<AuthMethodName, "ssl" | "gssapi">[];
  /** Whether UDP ASSOCIATE is served although datagrams travel unprotected. Default false: it is answered 07. */
  readonly udpNaked?: boolean;
  /** Whether the number that the draft prints, 0x86, is taken beside 0x06. Default false. */
  readonly draftNumber?: boolean;
}

/** A certificate and its key. */
export interface TlsCertificate {
  /** The certificate in PEM, followed by those that lead to an authority. */
  readonly cert: string | Uint8Array;
  /** Its private key in PEM, without a passphrase. */
  readonly key: string | Uint8Array;
}

/** TLS of a listener: versions 1.2 and 1.3, without ALPN. */
export interface ListenTlsOptions {
  /**
   * One or more. A client that names a host (SNI) gets the first one with that host among its alternative names; the first
   * of all is for every other client.
   */
  readonly certificates: readonly TlsCertificate[];
  /**
   * Certificates of authorities in PEM. When given, every client must show a certificate of theirs, and the one common
   * name (CN) of its subject is the user that rules know: logged in, and in no group.
   */
  readonly clientCa?: string | Uint8Array;
}

/** From whom a listener takes a PROXY header. */
export interface ProxyProtocolOptions {
  /**
   * Addresses and networks of those who begin every connection with a PROXY header, version 1 or 2, such as
   * `"10.0.0.0/8"`; what it says is believed. Everybody else is refused who begins with one.
   */
  readonly from: readonly string[];
}

/** A Unix socket to listen on. */
export interface UnixSocketOptions {
  /** Path of the socket. A socket that nobody listens on any more is replaced; it is removed when the server stops. */
  readonly path: string;
  /** Permissions of the file: who may write may connect. Default 0o600: only the user that runs the server. */
  readonly mode?: number;
  /** Number of the group that the file belongs to. Default: the group of the process. */
  readonly group?: number;
}

/** One address to listen on. */
export interface ListenOptions {
  /**
   * IPv4 or IPv6 address of this host. `::` takes IPv4 clients as well, unless another listener has `0.0.0.0`
   * on the same port. Default `"127.0.0.1"`.
   */
  readonly host?: string;
  /** Port, 0 to 65535; 0 takes a free one. Default 1080. */
  readonly port?: number;
  /** A Unix socket instead of `host` and `port`. Its clients count as 127.0.0.1, port 0. */
  readonly unix?: UnixSocketOptions;
  /** TLS before SOCKS. Default: none. */
  readonly tls?: ListenTlsOptions;
  /** PROXY headers before everything else. Default: from nobody. */
  readonly proxyProtocol?: ProxyProtocolOptions;
  /** SOCKS versions that are taken here. Default: both. */
  readonly versions?: readonly (4 | 5)[];
  /** Authentication methods of this listener, most preferred first. Default: those of the server. */
  readonly authMethods?: readonly AuthMethodName[];
  /** How clients log in with GSS-API here. What is not given is that of the server. */
  readonly gssapi?: GssapiOptions;
  /**
   * The IP address that replies to BIND and UDP ASSOCIATE name, when clients and peers reach this host by another one
   * than its own: behind NAT. It stands for our addresses of the same IP version. Default: our own address.
   */
  readonly advertise?: string;
}

/** How the server gets out. */
export interface OutboundOptions {
  /** Local address that outgoing connections come from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Address family of destinations: 4, 6 or `"auto"` for both. Default `"auto"`. */
  readonly family?: "auto" | 4 | 6;
  /** Looks names up. Default: one of the server's own, on the system's resolver. */
  readonly resolver?: Resolver;
  /**
   * Whether the destination of a CONNECT is told first who the client is, by a PROXY header of this version. Only for
   * destinations that expect one; a rule's own `proxyProtocol` wins. Default `"off"`.
   */
  readonly proxyProtocol?: ProxyProtocolVersion;
}

/** Deadlines of a session, in milliseconds. */
export interface TimeoutOptions {
  /** From accepting a client to its complete request; then it is cut off without an answer. Default 10,000. */
  readonly handshakeMs?: number;
  /** From a question of CRAM to its answer; the time of the handshake does not count meanwhile. Default 60,000. */
  readonly answerMs?: number;
  /** To look a name up and connect; then the answer is REP 06 (SOCKS 5) or 5b (SOCKS 4). Default 30,000. */
  readonly connectMs?: number;
  /** From a BIND to the connection of its peer; then the answer is REP 06 (SOCKS 5) or 5b (SOCKS 4). Default 120,000. */
  readonly bindMs?: number;
  /** How long a tunnel may carry nothing in either direction. Default 3,600,000. */
  readonly idleMs?: number;
  /** How long a UDP association may relay no datagram in either direction. Default 300,000. */
  readonly udpMs?: number;
  /** From a failure to the end of the connection at the latest, RFC 1928 section 6. Default 5,000; at most 10,000. */
  readonly lingerMs?: number;
  /** From a log-in to the answer that it failed. Default 1,000. */
  readonly loginFailureMs?: number;
}

/** How much is taken on. */
export interface LimitOptions {
  /** Sessions at a time, over all listeners. Default 100,000. */
  readonly sessions?: number;
  /** Sessions at a time of one client address (IPv6: one /64). Default 1,000. */
  readonly perClient?: number;
  /**
   * Sessions at a time that have not sent their request. When there are more, the one that has waited longest
   * goes, so that slow clients cannot keep others out. Default 10,000.
   */
  readonly handshakes?: number;
  /** UDP associations at a time, over all listeners. Each has up to three sockets, and two for each upstream. Default 10,000. */
  readonly associations?: number;
  /** UDP associations at a time of one client address (IPv6: one /64). Default 256. */
  readonly associationsPerClient?: number;
  /** Failed log-ins of one client address (IPv6: one /64) per minute; more are refused unseen. Default 20. */
  readonly loginFailuresPerMinute?: number;
}

/** How BIND is served. */
export interface BindOptions {
  /** Ports that it listens on, such as `"40000-40999"`. Default: the system chooses. */
  readonly ports?: string | PortRange;
  /**
   * Whether a client may wait for a peer without naming one (DST.ADDR is 0.0.0.0 or `::`). The rules then decide on
   * whoever connects first. Default false.
   */
  readonly allowAnyPeer?: boolean;
}

/** How UDP ASSOCIATE is served. */
export interface UdpOptions {
  /** Ports on which datagrams of clients are taken, such as `"41000-41999"`. Default: the system chooses. */
  readonly ports?: string | PortRange;
  /**
   * Whether a client gets datagrams from addresses that it has not written to, as far as the rules allow them. Default
   * false: only answers.
   */
  readonly fullCone?: boolean;
}

/** Whether the hosts of SOCKS 4 clients are asked who the client is, by the Identification Protocol (RFC 1413). */
export interface IdentOptions {
  /**
   * - `"off"`: nobody is asked.
   * - `"ask"`: who is named as another user than the request says is answered 5d; without an answer the client goes on.
   * - `"require"`: as well, and without an answer that names a user the client is answered 5c. The name is a user for
   *   `users` in rules when the server has no `credentials`; it is no log-in, and in no group.
   *
   * Default `"off"`. An answer is worth as much as the client's host.
   */
  readonly mode?: "off" | "ask" | "require";
  /** Port on which hosts are asked, 1 to 65535. Default 113. */
  readonly port?: number;
  /** How long an answer may take, in milliseconds, 1 to 60,000. Default 3,000. */
  readonly timeoutMs?: number;
}

/** One proxy of a chain, with what its URL does not say. */
export interface UpstreamHop {
  /** Its URL, or what `parseProxyUrl` of `@sockskit/url` made of it. */
  readonly proxy: string | ProxyHop;
  /** TLS with it, where its scheme has TLS. Default: its certificate must be of an authority that Node trusts. */
  readonly tls?: ProxyTlsOptions;
  /** Whether it is told who the client is, by a PROXY header before everything else. Default `"off"`. */
  readonly proxyProtocol?: ProxyProtocolVersion;
}

/** A chain of proxies, nearest first, 1 to 16: URLs, what `parseProxyUrl` made of them, or either with options. */
export type UpstreamChain = readonly (string | ProxyHop | UpstreamHop)[];

/** Proxies that sessions can go by, see {@link RuleConfig.via}. */
export interface UpstreamOptions {
  /**
   * Chains in the order of preference, 1 to 16. When a proxy of one does not work, the next is tried and the broken one
   * put aside for a while.
   *
   * The scheme of each chain's last proxy says who looks names up. `socks5h`, `socks4a`, `socks` and `http` pass them on:
   * then nobody here learns the address, and rules see the name alone. With `socks5` and `socks4` in any of them names
   * are looked up here, and the rules decide on each address.
   */
  readonly alternatives: readonly UpstreamChain[];
  /**
   * Whether the last proxy of each chain is shown the user name and password that the client logged in with here, in
   * place of those in its URL. Default false: what clients log in with stays here.
   */
  readonly forwardCredentials?: boolean;
}

/** Options of {@link createServer} and of {@link SocksServer.reload}. */
export interface ServerOptions {
  /** Where to listen. Default: 127.0.0.1, port 1080. */
  readonly listen?: readonly ListenOptions[];
  /**
   * Authentication methods, most preferred first. Default: `["userpass"]` with `credentials`, else `["none"]`.
   * SOCKS 4, which has none, is refused where `"none"` is missing.
   */
  readonly authMethods?: readonly AuthMethodName[];
  /** Users with their passwords, or something that knows them. Needed for `"userpass"` and `"chap"`. */
  readonly credentials?: CredentialStore | readonly UserConfig[];
  /** Judges the rounds of `"cram"`. Default: it asks for the password that `credentials` know. */
  readonly challenge?: ChallengeCallback;
  /** TLS of `"ssl"`. Needed for it. */
  readonly ssl?: SslOptions;
  /** How clients log in with GSS-API, for `"gssapi"`. */
  readonly gssapi?: GssapiOptions;
  /** The methods that `"maf"` has a client run. Their evidence is judged like that of the methods outside. */
  readonly maf?: MafServerOptions;
  /** Rules, first match wins, no match denies. Default: `DEFAULT_RULES` of `@sockskit/policy`. */
  readonly rules?: readonly RuleConfig[];
  /** Proxies that `via` of a rule names: alternatives, or more about them. Names have 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly upstreams?: Readonly<Record<string, readonly UpstreamChain[] | UpstreamOptions>>;
  /** How the server gets out. */
  readonly outbound?: OutboundOptions;
  /** Whether the hosts of SOCKS 4 clients are asked who the client is. */
  readonly ident?: IdentOptions;
  /**
   * Whether the user id of a SOCKS 4 request is believed: it is then a user for `users` in rules, as one that ident named
   * is; no log-in, and in no group. A client says there what it likes, so it is worth as much as the clients that rules
   * name beside it. Refused together with `credentials`, whose names are for those who know the passwords. Default false.
   */
  readonly trustUserIds?: boolean;
  /** How BIND is served. */
  readonly bind?: BindOptions;
  /** How UDP ASSOCIATE is served. */
  readonly udp?: UdpOptions;
  /** Deadlines. */
  readonly timeouts?: TimeoutOptions;
  /** Limits. */
  readonly limits?: LimitOptions;
  /**
   * Allows listeners that hosts elsewhere can reach and that ask nobody for a password. Default false: such a
   * listener is an error.
   */
  readonly allowOpenProxy?: boolean;
  /**
   * What serves the clients: `"portable"` is Node's sockets, everywhere; `"fastpath"` is a thread with system calls of its
   * own, on Linux, with the package `@sockskit/fastpath`; where it cannot run, `listen` says why. `"auto"` is `"fastpath"`
   * where that can run and `"portable"` elsewhere; `engine` of the server says which, and why. A reload cannot change it.
   * Default `"auto"`.
   */
  readonly engine?: "auto" | "portable" | "fastpath";
}

/** {@link TimeoutOptions} with the defaults. */
export const DEFAULT_TIMEOUTS: Required<TimeoutOptions> = {
  handshakeMs: 10_000,
  answerMs: 60_000,
  connectMs: 30_000,
  bindMs: 120_000,
  idleMs: 3_600_000,
  udpMs: 300_000,
  lingerMs: 5_000,
  loginFailureMs: 1_000,
};

/** {@link LimitOptions} with the defaults. */
export const DEFAULT_LIMITS: Required<LimitOptions> = {
  sessions: 100_000,
  perClient: 1_000,
  handshakes: 10_000,
  associations: 10_000,
  associationsPerClient: 256,
  loginFailuresPerMinute: 20,
};

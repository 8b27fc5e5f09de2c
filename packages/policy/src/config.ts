import type { IpAddress } from "@sockskit/wire";

/**
 * What a client asks for: CONNECT, BIND or UDP ASSOCIATE (RFC 1928 section 4), or one of Tor's look-ups, RESOLVE and
 * RESOLVE_PTR. A look-up is allowed only by a rule whose `commands` names it.
 */
export type Command = "connect" | "bind" | "udp-associate" | "resolve" | "resolve-ptr";

/** What {@link compilePolicy} compiles: rules, and what the server knows of itself. */
export interface PolicyConfig {
  /** First match wins, no match denies. Default: {@link DEFAULT_RULES}. */
  readonly rules?: readonly RuleConfig[];
  /**
   * Every listener of this server with its port: the named set `self`. A listener on an
   * unspecified address stands for loopback and every one of `localAddresses` on that port.
   * Default: none.
   */
  readonly self?: readonly IpAddress[];
  /** The addresses of this host; their ports are ignored. Default: none. */
  readonly localAddresses?: readonly IpAddress[];
  /** The upstreams that `via` of a rule may name, and who looks names up for them. Default: none. */
  readonly upstreams?: Readonly<Record<string, NameHandling>>;
}

/**
 * What becomes of a name that goes through an upstream: it is passed on (`"remote"`), so that nobody here learns its
 * address, or it is looked up here (`"local"`), and the rules decide on each address.
 */
export type NameHandling = "local" | "remote";

/** One rule. Every condition that is given must hold; within a list one entry is enough. */
export interface RuleConfig {
  /** What happens to a request that the rule matches. */
  readonly action: "allow" | "deny";
  /** Where the client is: addresses, networks, named sets, `"*"`. Default: anywhere. */
  readonly clients?: readonly string[];
  /** Names of users that logged in, or that ident named where it is required; compared exactly. Default: anyone. */
  readonly users?: readonly string[];
  /** Groups, of which the user must be in one. Default: any. */
  readonly groups?: readonly string[];
  /** `true`: only authenticated clients; `false`: only the others. Default: both. */
  readonly authenticated?: boolean;
  /** Commands it speaks of. Default: all; but only a deny rule speaks of `resolve` and `resolve-ptr` without naming them. */
  readonly commands?: readonly Command[];
  /**
   * Where the client wants to go: names (`"www.example"`), names below a name
   * (`"*.example"`), addresses, networks, named sets, `"*"`. Default: anywhere.
   *
   * Named sets are `loopback private linklocal multicast unspecified metadata self`.
   */
  readonly to?: readonly string[];
  /** Ports 1 to 65535 and ranges of them (`"8000-8999"`). Default: all. */
  readonly ports?: readonly (number | string)[];
  /** Why, for logs and for `explain`. Default: none. */
  readonly reason?: string;
  /** Limits for what an allow rule lets through. Default: none. */
  readonly limit?: RuleLimit;
  /** Name of the upstream that what an allow rule lets through goes by. Default: it goes directly. */
  readonly via?: string;
  /**
   * Whether the destination of a CONNECT that an allow rule lets through is told first who the client is, by a PROXY header.
   * The caller sends it. Default: what holds for all destinations.
   */
  readonly proxyProtocol?: ProxyProtocolVersion;
}

/** A version of the PROXY protocol, or that none is spoken. */
export type ProxyProtocolVersion = "off" | "v1" | "v2";

/** Limits that an allow rule puts on what it lets through. The caller enforces them. */
export interface RuleLimit {
  /** Bytes per second, both directions together, of each user (or client address). */
  readonly rate?: number;
  /** Sessions at a time of each user (or client address). */
  readonly sessions?: number;
}

/** The rules that hold when none are given. */
export const DEFAULT_RULES: readonly RuleConfig[] = [
  { action: "deny", to: ["self", "multicast"], reason: "the proxy itself, and addresses of many hosts" },
  { action: "allow", clients: ["loopback"], reason: "programs on this host" },
  {
    action: "deny",
    to: ["loopback", "unspecified", "linklocal", "metadata"],
    reason: "addresses with a meaning only on this host or its link",
  },
  { action: "allow", authenticated: true, reason: "authenticated clients" },
  { action: "deny", reason: "clients from elsewhere must authenticate" },
];

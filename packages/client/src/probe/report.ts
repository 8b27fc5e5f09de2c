import type { GssapiProtection } from "@sockskit/auth";

/** How a proxy answered one request. */
export interface ProbeAnswer {
  /**
   * `granted`: the proxy did it. `refused`: it said no, in a proper reply; see `reply`. `failed`: no reply came because
   * something before it went wrong, or it was not one; see `code`. `closed`: it ended the connection instead of
   * answering. `silent`: nothing came in time.
   */
  readonly outcome: "granted" | "refused" | "failed" | "closed" | "silent";
  /** The `REP` or `CD` octet of the reply. */
  readonly reply?: number;
  /** Code of the error, with `failed`; `docs/errors.md` explains it. */
  readonly code?: string;
  /** Milliseconds from sending the request, or from the greeting when no request was sent, to the answer. */
  readonly elapsedMs: number;
}

/** Whether a proxy accepts one authentication method of SOCKS 5 when nothing else is offered. */
export interface ProbeMethod {
  /** The `METHOD` octet. */
  readonly method: number;
  /** Its name in the IANA registry, in one word. */
  readonly name: string;
  /** Whether the proxy chose it; `undefined` when it gave no answer. */
  readonly accepted: boolean | undefined;
}

/** What came of logging in with GSS-API, without any request behind it. */
export interface ProbeGssapi {
  /**
   * `granted`: both sides know who the other is; see `protection`. `failed`: see `code` and `message`, which says what
   * helps. `closed`: the proxy ended the connection. `silent`: nothing came in time.
   */
  readonly outcome: "granted" | "failed" | "closed" | "silent";
  /** What the proxy grants for everything after the log-in when the strongest is asked for. */
  readonly protection?: GssapiProtection;
  /** Code of the error, with `failed`; `docs/errors.md` explains it. */
  readonly code?: string;
  /** What went wrong and which command helps, with `failed`. */
  readonly message?: string;
  /** Milliseconds from the greeting to the outcome, the way to the KDC included. */
  readonly elapsedMs: number;
}

/** What is known about one ability of a proxy. */
export interface ProbeFinding {
  /** `unknown`: nothing that the proxy did shows it. */
  readonly verdict: "yes" | "no" | "unknown";
  /** What shows it, or why nothing does, in words. */
  readonly reason: string;
}

/** What the other end is, as far as its first words tell. */
export type ProbeProtocol = "socks" | "http" | "tls" | "ssh" | "other" | "unknown";

/** What {@link probeProxy} found out. Plain data without secrets; what was not asked is absent. */
export interface ProbeReport {
  /** The proxy, without its password. */
  readonly proxy: string;
  /** The address that was dialled. */
  readonly address: string;
  /** What listens there. `unknown`: it accepts connections and says nothing that is understood. */
  readonly protocol: ProbeProtocol;
  /** The first line that came, made printable, when it is no SOCKS proxy and spoke text. */
  readonly firstLine?: string;
  /** Whether an HTTP server opens tunnels (CONNECT): then it is a proxy, with `http` as its scheme. */
  readonly httpProxy?: ProbeFinding;
  /** Which program it looks like, by what programs are known to do; absent when it looks like none, or like several. */
  readonly software?: string;
  /** Which versions it speaks. A refusal is an answer. */
  readonly versions: {
    /** SOCKS 4. */
    readonly socks4: ProbeFinding;
    /** SOCKS 4 with names. */
    readonly socks4a: ProbeFinding;
    /** SOCKS 5. */
    readonly socks5: ProbeFinding;
  };
  /** What it can do with SOCKS 5. */
  readonly abilities: {
    /** Resolves names. */
    readonly remoteDns: ProbeFinding;
    /** Connects to IPv6 addresses. */
    readonly ipv6: ProbeFinding;
    /** BIND. */
    readonly bind: ProbeFinding;
    /** UDP ASSOCIATE. */
    readonly udp: ProbeFinding;
    /** Looks up names for clients (RESOLVE), as Tor does. */
    readonly resolve: ProbeFinding;
  };
  /** The methods of SOCKS 5, each offered alone. Empty without SOCKS 5. */
  readonly authMethods: readonly ProbeMethod[];
  /** The `METHOD` it takes when all of them are offered. */
  readonly preferredMethod?: number;
  /** Logging in with GSS-API, where the proxy accepts it and `gssapi` was given. */
  readonly gssapi?: ProbeGssapi;
  /** Where CONNECT was asked to lead. */
  readonly target: string;
  /** Answers to SOCKS 4 requests. */
  readonly socks4: {
    /** CONNECT to an IPv4 address. */
    readonly connect?: ProbeAnswer;
    /** CONNECT to a name, in the 4A form. */
    readonly connectName?: ProbeAnswer;
    /** BIND. */
    readonly bind?: ProbeAnswer;
  };
  /** Answers to SOCKS 5 requests. */
  readonly socks5: {
    /** CONNECT to an IPv4 address. */
    readonly connectIpv4?: ProbeAnswer;
    /** CONNECT to an IPv6 address. */
    readonly connectIpv6?: ProbeAnswer;
    /** CONNECT to a name, which the proxy resolves. */
    readonly connectName?: ProbeAnswer;
    /** BIND. */
    readonly bind?: ProbeAnswer;
    /** UDP ASSOCIATE. */
    readonly udpAssociate?: ProbeAnswer;
    /** RESOLVE, an extension of Tor, with a name. */
    readonly resolve?: ProbeAnswer;
  };
  /** How long things took, in milliseconds. */
  readonly latency: {
    /** The TCP connection. */
    readonly connectMs: number;
    /** From the SOCKS 5 greeting to its answer. */
    readonly negotiateMs?: number;
    /** From the first CONNECT to its answer, the proxy's own work included. */
    readonly requestMs?: number;
  };
}

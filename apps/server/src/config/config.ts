import type { ProxyProtocolVersion, RuleConfig } from "@sockskit/policy";
import type { AuthMethodName, PortRange, UserConfig } from "@sockskit/server";
import type { ProxyUrl } from "@sockskit/url";
import type { IpAddress } from "@sockskit/wire";
import type { GssapiConfig } from "./gssapi.ts";
import type { SslConfig } from "./ssl.ts";

/** The whole configuration, validated, with its defaults. */
export interface Config {
  readonly listen: readonly ListenConfig[];
  readonly auth: AuthConfig;
  readonly allowOpenProxy: boolean;
  /** `undefined`: the default rules. */
  readonly rules?: readonly RuleConfig[] | undefined;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly outbound: OutboundConfig;
  readonly bind: BindConfig;
  readonly udp: UdpConfig;
  readonly timeouts: TimeoutConfig;
  readonly limits: LimitConfig;
  readonly engine: "auto" | "portable" | "fastpath";
  readonly log: LogConfig;
}

/** What is listened on: an address of this host, or a Unix socket. */
export type ListenAddress = IpAddress | { readonly type: "unix"; readonly path: string };

/** One listener. */
export interface ListenConfig {
  readonly address: ListenAddress;
  /** Permissions of a Unix socket. */
  readonly mode?: number | undefined;
  /** Name or number of the group of a Unix socket. */
  readonly group?: string | number | undefined;
  readonly tls?: TlsConfig | undefined;
  readonly proxyProtocol?: { readonly from: readonly string[] } | undefined;
  readonly versions?: readonly (4 | 5)[] | undefined;
  readonly auth?: readonly AuthMethodName[] | undefined;
  readonly gssapi?: GssapiConfig | undefined;
  readonly advertise?: IpAddress | undefined;
}

/** Files of a listener with TLS, as they were written: relative to the configuration file. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
  /** More certificates, for other names. */
  readonly sni?: readonly { readonly cert: string; readonly key: string }[] | undefined;
  readonly clientCa?: string | undefined;
}

/** Who may use the server. */
interface AuthConfig {
  /** `undefined`: `userpass` when there are users, else `none`. */
  readonly methods?: readonly AuthMethodName[] | undefined;
  readonly users: readonly UserConfig[];
  /** As it was written: relative to the configuration file. */
  readonly usersFile?: string | undefined;
  readonly ident: IdentConfig;
  /** Kerberos of the method `gssapi`. */
  readonly gssapi?: GssapiConfig | undefined;
  /** TLS of the method `ssl`. */
  readonly ssl?: SslConfig | undefined;
  readonly trustUserIds: boolean;
}

/** Whether the hosts of SOCKS 4 clients are asked who the client is. */
interface IdentConfig {
  readonly mode: "off" | "ask" | "require";
  readonly port: number;
  /** In milliseconds. */
  readonly timeout: number;
}

/** Proxies that sessions can go by. */
export interface UpstreamConfig {
  readonly alternatives: readonly (readonly HopConfig[])[];
  readonly forwardCredentials: boolean;
}

/** One proxy of a chain. */
export interface HopConfig {
  /** Holds its password apart, where printing does not find it. */
  readonly url: ProxyUrl;
  /** As it was written: relative to the configuration file. */
  readonly passwordFile?: string | undefined;
  /** Name of an environment variable. */
  readonly passwordEnv?: string | undefined;
  readonly tls?: HopTlsConfig | undefined;
  readonly proxyProtocol: "off" | "v1" | "v2";
}

/** TLS with a proxy; files as they were written. */
export interface HopTlsConfig {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** How the server gets out. */
interface OutboundConfig {
  readonly address?: IpAddress | undefined;
  readonly resolver: "system";
  readonly family: "auto" | 4 | 6;
  readonly proxyProtocol: ProxyProtocolVersion;
}

/** How BIND is served. */
interface BindConfig {
  readonly ports?: PortRange | undefined;
  readonly allowAnyPeer: boolean;
}

/** How UDP ASSOCIATE is served. */
interface UdpConfig {
  readonly ports?: PortRange | undefined;
  readonly fullCone: boolean;
}

/** How long things may take, in milliseconds. */
export interface TimeoutConfig {
  readonly handshake: number;
  readonly answer: number;
  readonly connect: number;
  readonly idle: number;
  readonly linger: number;
  readonly bind: number;
  readonly udp: number;
}

/** How much is taken on. */
export interface LimitConfig {
  readonly sessions: number;
  readonly perClient: number;
  readonly handshakes: number;
  readonly associations: number;
  readonly associationsPerClient: number;
}

/** What is logged, gravest first. */
export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

/** The log. */
export interface LogConfig {
  readonly level: LogLevel;
  readonly format: "auto" | "pretty" | "json";
}

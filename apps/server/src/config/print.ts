import { DEFAULT_RULES, describeRule } from "@sockskit/policy";
import {
  type EngineChoice,
  type PortRange,
  type ServerOptions,
  upstreamNameHandling,
  type UserConfig,
} from "@sockskit/server";
import { formatProxyUrl } from "@sockskit/url";
import { formatHost } from "@sockskit/wire";
import { safeText } from "../log/safe-text.ts";
import type { Config, HopConfig, LimitConfig, ListenConfig, TimeoutConfig, TlsConfig } from "./config.ts";
import { describeGssapi, type GssapiConfig } from "./gssapi.ts";
import { formatListenAddress } from "./listeners.ts";
import type { LoadedConfig } from "./load.ts";
import type { SslConfig } from "./ssl.ts";
import { formatDuration } from "./values.ts";

/**
 * The configuration that is in effect, as YAML: every default filled in, the rules
 * that hold, no password and no hash.
 *
 * @param engine What serves the clients here, and why.
 */
export function printConfig({ config, options, users, usersPath }: LoadedConfig, engine?: EngineChoice): string {
  const {
    outbound,
    log,
    auth: { ident },
  } = config;
  const egress = outbound.address === undefined ? "" : `address: ${text(formatHost(outbound.address))}, `;
  const lines = [
    "listen:",
    ...config.listen.map((listener) => `  - ${describeListener(listener)}`),
    "auth:",
    `  methods: [${(options.authMethods ?? []).join(", ")}]`,
    users.length === 0 ? "  users: []" : "  users:",
    ...users.map((user) => `    - ${describeUser(user)}`),
    ...(usersPath === undefined ? [] : [`  usersFile: ${text(usersPath)} # its users are among those above`]),
    ...gssapiLines(config.auth.gssapi),
    ...describeSsl(config.auth.ssl),
    `  ident: { mode: ${ident.mode}, port: ${ident.port}, timeout: ${formatDuration(ident.timeout)} }`,
    `allowOpenProxy: ${config.allowOpenProxy}`,
    ...describeRules(config),
    ...describeUpstreams(config, options),
    `outbound: { ${egress}resolver: ${outbound.resolver}, family: ${outbound.family}, proxyProtocol: ${JSON.stringify(outbound.proxyProtocol)} }`,
    `bind: { ${portsText(config.bind.ports)}allowAnyPeer: ${config.bind.allowAnyPeer} }`,
    `udp: { ${portsText(config.udp.ports)}fullCone: ${config.udp.fullCone} }`,
    `timeouts: ${describeMap(config.timeouts, formatDuration)}`,
    `limits: ${describeMap(config.limits, String)}`,
    `engine: ${config.engine}${engine === undefined ? "" : ` # ${engine.name}: ${engine.reason}`}`,
    `log: { level: ${log.level}, format: ${log.format} }`,
  ];
  return `${lines.map(safeText).join("\n")}\n`;
}

function describeUser({ name, groups = [] }: UserConfig): string {
  return `{ name: ${text(name)}, password: (hidden), groups: [${groups.map(text).join(", ")}] }`;
}

function gssapiLines(config: GssapiConfig | undefined): readonly string[] {
  const line = describeGssapi(config);
  return line === undefined ? [] : [`  ${line}`];
}

function describeSsl(ssl: SslConfig | undefined): readonly string[] {
  if (ssl === undefined) return [];
  const { cert, key, methods, udpNaked, draftNumber } = ssl;
  const inside = methods === undefined ? "" : `methods: [${methods.join(", ")}], `;
  return [
    `  ssl: { cert: ${text(cert)}, key: ${text(key)}, ${inside}udpNaked: ${udpNaked}, draftNumber: ${draftNumber} }`,
  ];
}

/** Numbered from 1, as the log and `explain` count them. */
function describeRules({ rules }: Config): readonly string[] {
  if (rules?.length === 0) return ["rules: [] # everything is denied"];
  const described = (rules ?? DEFAULT_RULES).map((rule, index) => `  - ${describeRule(rule)} # rule ${index + 1}`);
  return [rules === undefined ? "rules: # the default" : "rules:", ...described];
}

/** Passwords are hidden; where they stand is told. */
function describeUpstreams({ upstreams }: Config, options: ServerOptions): readonly string[] {
  const names = upstreamNameHandling(options.upstreams);
  const entries = Object.entries(upstreams);
  if (entries.length === 0) return ["upstreams: {}"];
  return [
    "upstreams:",
    ...entries.flatMap(([name, { alternatives, forwardCredentials }]) => [
      `  ${text(name)}: # names are ${names[name] === "local" ? "looked up here" : "passed on"}`,
      `    forwardCredentials: ${forwardCredentials}`,
      "    alternatives:",
      ...alternatives.map((chain) => `      - [${chain.map(describeHop).join(", ")}]`),
    ]),
  ];
}

function describeHop({ url, passwordFile, passwordEnv, tls, proxyProtocol }: HopConfig): string {
  const parts = [`url: ${text(formatProxyUrl(url))}`];
  if (passwordFile !== undefined) parts.push(`passwordFile: ${text(passwordFile)}`);
  if (passwordEnv !== undefined) parts.push(`passwordEnv: ${text(passwordEnv)}`);
  if (tls !== undefined) {
    const given = Object.entries(tls).filter(([, value]) => value !== undefined);
    parts.push(`tls: { ${given.map(([key, value]) => `${key}: ${text(String(value))}`).join(", ")} }`);
  }
  if (proxyProtocol !== "off") parts.push(`proxyProtocol: ${proxyProtocol}`);
  return parts.length === 1 ? text(formatProxyUrl(url)) : `{ ${parts.join(", ")} }`;
}

function describeMap(map: TimeoutConfig | LimitConfig, format: (value: number) => string): string {
  return `{ ${Object.entries(map)
    .map(([key, value]) => `${key}: ${format(value as number)}`)
    .join(", ")} }`;
}

/** Nothing when the system chooses. */
function portsText(ports: PortRange | undefined): string {
  return ports === undefined ? "" : `ports: ${text(`${ports.from}-${ports.to}`)}, `;
}

function describeListener(listener: ListenConfig): string {
  const { address, mode, group, tls, proxyProtocol, versions, auth, gssapi, advertise } = listener;
  const place = text(formatListenAddress(address));
  const parts = [`address: ${place}`];
  if (address.type === "unix") parts.push(`mode: ${text(`0${(mode ?? 0o600).toString(8).padStart(3, "0")}`)}`);
  if (group !== undefined) parts.push(`group: ${JSON.stringify(group)}`);
  if (versions !== undefined) parts.push(`versions: [${versions.join(", ")}]`);
  if (auth !== undefined) parts.push(`auth: [${auth.join(", ")}]`);
  const ownGssapi = describeGssapi(gssapi);
  if (ownGssapi !== undefined) parts.push(ownGssapi);
  if (tls !== undefined) parts.push(`tls: ${describeTls(tls)}`);
  if (proxyProtocol !== undefined) parts.push(`proxyProtocol: { from: [${proxyProtocol.from.map(text).join(", ")}] }`);
  if (advertise !== undefined) parts.push(`advertise: ${text(formatHost(advertise))}`);
  return parts.length === 1 ? place : `{ ${parts.join(", ")} }`;
}

function describeTls({ cert, key, sni = [], clientCa }: TlsConfig): string {
  const pair = (files: { readonly cert: string; readonly key: string }): string =>
    `cert: ${text(files.cert)}, key: ${text(files.key)}`;
  const others = sni.length === 0 ? "" : `, sni: [${sni.map((files) => `{ ${pair(files)} }`).join(", ")}]`;
  return `{ ${pair({ cert, key })}${others}${clientCa === undefined ? "" : `, clientCa: ${text(clientCa)}`} }`;
}

function text(value: string): string {
  return JSON.stringify(value);
}

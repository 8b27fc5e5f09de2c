/**
 * TCP connections through SOCKS 4, 4A and 5 proxies and chains of them, connections that come in at a proxy, UDP through
 * one, look-ups by one, and a way to find out what a proxy speaks.
 *
 * {@link connect} gives a `net.Socket`, and so does {@link bind} for a peer that calls back; {@link createUdpSocket} gives
 * what looks like a socket of `node:dgram`; {@link resolve} and {@link resolvePtr} have a proxy look up. Every failure is a {@link SocksError} that says at which stage and at which proxy
 * it happened.
 *
 * @packageDocumentation
 */
export { bind, type Binding, type BindOptions } from "./bind.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export { connectionInfo, type ConnectionInfo } from "./connection-info.ts";
export type { GssapiChoice, GssapiOptions } from "./gssapi.ts";
export { resolve, type ResolveOptions, resolvePtr, type ResolvePtrOptions } from "./look-up.ts";
export type { HostPort, Peer, PeerHost, ProxyChoice, ProxyEntry, ProxyWithOptions, Target } from "./read-options.ts";
export { probeProxy, type ProbeOptions } from "./probe/probe-proxy.ts";
export type {
  ProbeAnswer,
  ProbeFinding,
  ProbeGssapi,
  ProbeMethod,
  ProbeProtocol,
  ProbeReport,
} from "./probe/report.ts";
export { createUdpSocket, type CreateUdpSocketOptions, type UdpSocket, type UdpSocketEvents } from "./udp-socket.ts";
export {
  createDiscoveryMemory,
  createResolver,
  isSocksError,
  SocksError,
  type DiscoveryMemory,
  type DiscoveryMemoryOptions,
  type DiscoveryOptions,
  type HopReference,
  type OctetsEvent,
  type ProgressEvent,
  type ProxyAuthMethod,
  type ProxyAuthOptions,
  type ProxyProtocolOptions,
  type ProxyQuestion,
  type ProxySslOptions,
  type ProxyTlsOptions,
  type ProxyVersion,
  type Resolver,
  type ResolverOptions,
  type SocksErrorCode,
  type SocksStage,
  type StageTimeouts,
} from "@sockskit/dial";
